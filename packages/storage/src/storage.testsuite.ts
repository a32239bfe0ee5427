import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import type { Storage } from "./storage.ts";

const md5 = (content: string | Uint8Array) => createHash("md5").update(content).digest();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const put = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: "PUT", body, headers });

/** What a store, or its emulator, does not do. */
export interface Lacks {
  /** It checks the content against the Content-MD5 that is sent, but takes one that was not promised, or none. */
  readonly promisedMd5?: boolean;
  /** It takes any content whatever Content-MD5 says. */
  readonly contentMd5?: boolean;
  /** It serves signed URLs without looking at the signature. */
  readonly signatures?: boolean;
}

/** What every object store promises. `storageOf` is called in each test; the store lives as long as the file's tests. */
export function storageTestSuite(name: string, storageOf: () => Storage, lacks: Lacks = {}): void {
  const limits = { contentLengthMax: 1000, expiresInSeconds: 60 };

  describe(`${name}: objects`, () => {
    test("an object comes back as it was put, whole and as a stream", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "one two+%41.bin");
      const content = randomBytes(100_000);
      await storage.put(uri, content);
      expect(Buffer.from(await storage.get(uri)).equals(content)).toBe(true);
      expect((await buffer(await storage.getStream(uri))).equals(content)).toBe(true);
    });

    test("a stream larger than one part is put whole", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "large");
      const chunk = randomBytes(1024 * 1024);
      await storage.put(uri, Readable.from(Array.from({ length: 18 }, () => chunk)));
      expect((await storage.head(uri))?.sizeBytes).toBe(18 * 1024 * 1024);
      expect(base64(md5(await storage.get(uri)))).toBe(base64(md5(Buffer.concat(Array(18).fill(chunk)))));
    });

    test("a stream that fails stores nothing", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "broken");
      const body = Readable.from(
        (async function* () {
          yield Buffer.from("half");
          throw new Error("the source broke");
        })(),
      );
      await expect(storage.put(uri, body)).rejects.toThrow("the source broke");
      expect(await storage.head(uri)).toBeUndefined();
    });

    test("an empty object and an empty stream are objects of no bytes", async () => {
      const storage = storageOf();
      for (const body of [new Uint8Array(), Readable.from([])]) {
        const uri = storage.join("objects", body instanceof Readable ? "empty-stream" : "empty");
        await storage.put(uri, body);
        expect((await storage.get(uri)).length).toBe(0);
      }
    });

    test("put replaces and remove removes, also what is not there", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "replaced");
      await storage.put(uri, Buffer.from("old"));
      await storage.put(uri, Buffer.from("new"));
      expect(Buffer.from(await storage.get(uri)).toString()).toBe("new");
      await storage.remove(uri);
      await storage.remove(uri);
      expect(await storage.head(uri)).toBeUndefined();
    });

    test("head knows size and MD5, and answers undefined for what is not there", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "headed");
      await storage.put(uri, Buffer.from("content"));
      const info = await storage.head(uri, { md5: true });
      expect(info?.sizeBytes).toBe(7);
      expect(base64(info?.md5 ?? new Uint8Array())).toBe(base64(md5("content")));
      expect(await storage.head(storage.join("objects"))).toBeUndefined();
      expect(await storage.head(storage.join("objects", "headed", "below"))).toBeUndefined();
    });

    test("reading what is not there is not_found, and more than asked for is resource_exhausted", async () => {
      const storage = storageOf();
      const missing = storage.join("objects", "missing");
      await expect(storage.get(missing)).rejects.toMatchObject({ code: "not_found" });
      await expect(storage.getStream(missing)).rejects.toMatchObject({ code: "not_found" });
      const uri = storage.join("objects", "eleven");
      await storage.put(uri, Buffer.from("eleven byte"));
      expect((await storage.get(uri, { bytesMax: 11 })).length).toBe(11);
      await expect(storage.get(uri, { bytesMax: 10 })).rejects.toMatchObject({ code: "resource_exhausted" });
    });

    test("a range is cut at the end of the object, and empty behind it", async () => {
      const storage = storageOf();
      const uri = storage.join("objects", "ranged");
      await storage.put(uri, Buffer.from("0123456789"));
      const range = async (start: number, length: number) =>
        Buffer.from(await storage.getRange(uri, start, length)).toString();
      expect(await range(0, 4)).toBe("0123");
      expect(await range(8, 100)).toBe("89");
      expect(await range(10, 5)).toBe("");
      const missing = storage.getRange(storage.join("objects", "missing"), 0, 1);
      await expect(missing).rejects.toMatchObject({ code: "not_found" });
    });

    test("list finds everything below a folder and nothing beside it", async () => {
      const storage = storageOf();
      for (const key of ["list/a/1", "list/a/b/2", "list/ab/3"]) await storage.put(storage.join(key), Buffer.from(key));
      const listed = async (uri: string) => {
        const uris: string[] = [];
        for await (const object of storage.list(uri)) uris.push(object.uri);
        return uris.sort();
      };
      expect(await listed(storage.join("list/a"))).toEqual([storage.join("list/a/1"), storage.join("list/a/b/2")]);
      expect(await listed(`${storage.join("list")}/`)).toHaveLength(3);
      expect(await listed(storage.join("list/none"))).toEqual([]);
      expect(await listed(storage.rootUri)).toEqual(expect.arrayContaining([storage.join("list/ab/3")]));
    });
  });

  describe(`${name}: containment`, () => {
    const bad = [
      "../x",
      "a/../../x",
      "a/./b",
      "",
      "/etc/passwd",
      "a//b",
      "a/",
      "a\0b",
      "a\nb",
      "a\\..\\b",
      ".staging/x",
    ];
    test.each([...bad, "x".repeat(256), "x/".repeat(600)])("the path %j is refused", async (path) => {
      const storage = storageOf();
      expect(() => storage.join(path)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
      const uri = `${storage.rootUri}/${path}`;
      await expect(storage.get(uri)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(storage.put(uri, Buffer.from("x"))).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(storage.signDownload(uri, 60)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(storage.signUpload({ uri, ...limits })).rejects.toMatchObject({ code: "invalid_argument" });
    });

    test("a URI of another store or of a sibling of the root is refused", async () => {
      const storage = storageOf();
      for (const uri of [
        `${storage.rootUri}x/a`,
        "s3://other/a",
        "gs://other/a",
        "file:///etc/passwd",
        "http://x/a",
        "a",
      ]) {
        await expect(storage.get(uri)).rejects.toMatchObject({ code: "invalid_argument" });
      }
    });
  });

  describe(`${name}: signed URLs`, () => {
    test("a signed upload stores exactly the promised content", async () => {
      const storage = storageOf();
      const uri = storage.join("signed", "code.tar.gz");
      const upload = await storage.signUpload({ uri, contentMd5: md5("tarball"), md5AsMetadata: true, ...limits });
      const headers = { ...upload.headers, "Content-MD5": base64(md5("tarball")) };
      if (!lacks.contentMd5) expect((await put(upload.url, "another", headers)).status).toBe(400);
      if (!lacks.promisedMd5) {
        const another = { ...headers, "Content-MD5": base64(md5("another")) };
        expect((await put(upload.url, "another", another)).ok).toBe(false);
        expect((await put(upload.url, "tarball", upload.headers)).ok).toBe(false);
      }
      expect(await storage.head(uri)).toBeUndefined();
      expect([200, 201]).toContain((await put(upload.url, "tarball", headers)).status);
      expect(base64((await storage.head(uri, { md5: true }))?.md5 ?? new Uint8Array())).toBe(headers["Content-MD5"]);
    });

    test("an upload that promised no MD5 takes any content", async () => {
      const storage = storageOf();
      const uri = storage.join("signed", "frame.parquet");
      const upload = await storage.signUpload({ uri, ...limits });
      expect([200, 201]).toContain((await put(upload.url, "rows", upload.headers)).status);
      expect(Buffer.from(await storage.get(uri)).toString()).toBe("rows");
    });

    test("a signed download answers the content, and not through another method", async () => {
      const storage = storageOf();
      const uri = storage.join("signed", "deck.html");
      await storage.put(uri, Buffer.from("<p>deck</p>"));
      const url = await storage.signDownload(uri, 60);
      const answer = await fetch(url);
      expect([answer.status, await answer.text()]).toEqual([200, "<p>deck</p>"]);
      if (!lacks.signatures) expect((await put(url, "overwritten", { "x-ms-blob-type": "BlockBlob" })).ok).toBe(false);
      expect((await fetch(await storage.signDownload(storage.join("signed", "none"), 60))).status).toBe(404);
    });

    if (lacks.signatures) return;
    test("a signed URL that was changed is refused", async () => {
      const storage = storageOf();
      const uri = storage.join("signed", "changed");
      await storage.put(uri, Buffer.from("secret"));
      const url = await storage.signDownload(uri, 60);
      const middle = signatureMiddle(url);
      const changed = url.slice(0, middle) + (url[middle] === "A" ? "B" : "A") + url.slice(middle + 1);
      const answer = await fetch(changed);
      expect(answer.ok).toBe(false);
      expect(await answer.text()).not.toContain("secret");
    });
  });
}

/** A place within the signature, or within the payload that a token signs. */
function signatureMiddle(url: string): number {
  const named = /[?&](?:X-Amz-Signature|sig)=/.exec(url);
  return named ? named.index + named[0].length + 5 : Math.floor(url.length * 0.6);
}
