import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { DataProxyService } from "@skein/idl/service";
import { TEST_TENANT } from "@skein/testing";
import { describe, expect, test } from "vitest";
import { BACKINGS, startSkein } from "./src/index.ts";

const MIB = 1024 * 1024;
const isFull = process.env.SKEIN_TEST_FULL === "true";
const SIZE_MIB = isFull ? 1024 : 64;
/** What an api may grow by while a file passes through it: buffers, never the file. */
const GROWTH_MIB_MAX = 150;

const rssMib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

/** The same bytes each time, a piece at a time, so that the test holds no big file either. */
function* pieces(): Generator<Buffer> {
  for (let index = 0; index < SIZE_MIB; index++) yield Buffer.alloc(MIB, index % 251);
}

describe.each(BACKINGS)("big files, queue on $queue, files in $storage", (backing) => {
  test(`${SIZE_MIB} MiB go up and come back whole, and the api does not hold them`, { timeout: 600_000 }, async () => {
    const skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 0 });
    try {
      const proxy = createClient(DataProxyService, createGrpcTransport({ baseUrl: skein.url }));
      const md5 = createHash("md5");
      for (const piece of pieces()) md5.update(piece);
      const contentMd5 = md5.digest();
      const before = rssMib(skein.apis[0]?.pid() ?? 0);
      const place = await proxy.createUploadLocation({ ...TEST_TENANT, filename: "big.bin", contentMd5 });
      const put = await fetch(place.signedUrl, {
        method: "PUT",
        body: ReadableStream.from(pieces()),
        duplex: "half",
        headers: {
          ...place.headers,
          "content-length": `${SIZE_MIB * MIB}`,
          "content-md5": contentMd5.toString("base64"),
        },
      } as RequestInit);
      expect(put.status, await put.text()).toBe(200);
      const { signedUrl } = await proxy.createDownloadLocation({ nativeUrl: place.nativeUrl });
      const read = createHash("md5");
      const answer = await fetch(signedUrl);
      for await (const piece of answer.body ?? []) read.update(piece);
      expect(read.digest("hex")).toBe(contentMd5.toString("hex"));
      expect(rssMib(skein.apis[0]?.pid() ?? 0) - before).toBeLessThan(GROWTH_MIB_MAX);
    } finally {
      await skein.close();
    }
  });
});
