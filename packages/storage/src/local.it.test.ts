import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SkeinError } from "@skein/errors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";
import { signGrant } from "./signed-token.ts";
import { storageTestSuite } from "./storage.testsuite.ts";
import type { Storage } from "./storage.ts";

const secretKey = "a secret key of at least 32 characters";
const unexpected: unknown[] = [];
function publish(error: unknown): SkeinError {
  if (error instanceof SkeinError) return error;
  unexpected.push(error);
  return new SkeinError("internal", "internal_error", "Internal error.");
}
let folder: string;
let storage: Storage;
let server: Server;
const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-storage-"));
  server = createServer((request, response) => storage.serveSigned?.(request, response, publish));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  storage = await openStorage({ uri: `file://${folder}/root`, signing: { secretKey, publicUrl: base } });
});
afterAll(async () => {
  storage.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

storageTestSuite("file storage", () => storage);

describe("file storage alone", () => {
  const limits = { contentLengthMax: 10, expiresInSeconds: 60 };
  const staged = () => readdir(join(folder, "root/.staging"));

  test("an upload over its limit is refused, announced or not, and leaves nothing behind", async () => {
    const uri = storage.join("limits", "large");
    const { url } = await storage.signUpload({ uri, ...limits });
    const announced = await fetch(url, { method: "PUT", body: "x".repeat(11) });
    expect([announced.status, await announced.text()]).toEqual([429, expect.stringContaining("larger than 10 bytes")]);
    const body = new Blob(["x".repeat(2000)]).stream();
    const chunked = await fetch(url, { method: "PUT", body, duplex: "half" } as RequestInit);
    expect(chunked.status).toBe(429);
    expect(await storage.head(uri)).toBeUndefined();
    await expect.poll(staged).toEqual([]);
  });

  test("an upload that breaks off stores nothing", async () => {
    const uri = storage.join("limits", "broken");
    const { url } = await storage.signUpload({ uri, contentLengthMax: 1000, expiresInSeconds: 60 });
    const controller = new AbortController();
    const body = new ReadableStream({
      pull(stream) {
        stream.enqueue(Buffer.from("half"));
        controller.abort();
      },
    });
    const request = { method: "PUT", body, duplex: "half", signal: controller.signal };
    await expect(fetch(url, request as RequestInit)).rejects.toThrow();
    await expect.poll(staged).toEqual([]);
    expect(await storage.head(uri)).toBeUndefined();
  });

  test("expired, foreign and malformed tokens are refused", async () => {
    await storage.put(storage.join("tokens", "a"), Buffer.from("a"));
    const grant = { method: "GET", key: "tokens/a", expiresAtMs: Date.now() + 60_000 } as const;
    const status = async (token: string) => (await fetch(`${base()}/uploads/${token}/a`)).status;
    expect(await status(signGrant(secretKey, grant))).toBe(200);
    expect(await status(signGrant(secretKey, { ...grant, expiresAtMs: Date.now() - 1 }))).toBe(403);
    expect(await status(signGrant(`${secretKey}!`, grant))).toBe(403);
    for (const token of ["", "x", "x.y", `${signGrant(secretKey, grant)}.z`]) expect(await status(token)).toBe(403);
  });

  test("a deck is sent as HTML in a sandbox of its own", async () => {
    const uri = storage.join("decks", "deck.html");
    await storage.put(uri, Buffer.from("<script>1</script>"));
    const { headers } = await fetch(await storage.signDownload(uri, 60));
    expect(headers.get("content-type")).toContain("text/html");
    expect(headers.get("content-security-policy")).toContain("sandbox");
  });

  test("a symbolic link that leads outside is neither read nor written through", async () => {
    await writeFile(join(folder, "secret"), "secret");
    await storage.put(storage.join("links", "x"), Buffer.from("x"));
    await symlink(join(folder, "secret"), join(folder, "root/links/deck.html"));
    await symlink(folder, join(folder, "root/links/out"));
    const refused = { reason: "storage_link_leaves_root" };
    await expect(storage.get(storage.join("links/deck.html"))).rejects.toMatchObject(refused);
    await expect(storage.getStream(storage.join("links/out/secret"))).rejects.toMatchObject(refused);
    await expect(storage.put(storage.join("links/out/new"), Buffer.from("x"))).rejects.toMatchObject(refused);
    await expect(storage.remove(storage.join("links/out/secret"))).rejects.toMatchObject(refused);
    expect(await readdir(folder)).not.toContain("new");
  });

  test("nothing is removed through a link to another folder of the storage", async () => {
    await storage.put(storage.join("theirs/file"), Buffer.from("x"));
    await symlink(join(folder, "root/theirs"), join(folder, "root/mine"));
    const removed = storage.remove(storage.join("mine/file"));
    await expect(removed).rejects.toMatchObject({ reason: "storage_link_leaves_root" });
    expect(await storage.head(storage.join("theirs/file"))).toBeDefined();
  });

  test("a process without a key cannot sign, and says so", async () => {
    const keyless = await openStorage({ uri: storage.rootUri });
    await expect(keyless.signDownload(keyless.join("a"), 60)).rejects.toMatchObject({ reason: "storage_cannot_sign" });
    expect(keyless.serveSigned).toBeUndefined();
  });

  test("a failure of the disk is told to whoever logs, and the client hears nothing of paths", async () => {
    await storage.put(storage.join("blocked", "file"), Buffer.from("x"));
    const { url } = await storage.signUpload({ uri: storage.join("blocked", "file", "below"), ...limits });
    const answer = await fetch(url, { method: "PUT", body: "x" });
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining(folder)]);
    expect(unexpected).toHaveLength(1);
    expect(await staged()).toEqual([]);
  });

  test("a link that leads outside lends no folder to an upload either", async () => {
    await mkdir(join(folder, "outside"), { recursive: true });
    await symlink(join(folder, "outside"), join(folder, "root", "lent"));
    const put = storage.put(storage.join("lent", "new", "file"), Buffer.from("x"));
    await expect(put).rejects.toMatchObject({ reason: "storage_link_leaves_root" });
    expect(await readdir(join(folder, "outside"))).toEqual([]);
    expect(await staged()).toEqual([]);
  });
});
