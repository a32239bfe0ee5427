import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { putInParts, readParts } from "./parts.ts";

const MIB = 1024 * 1024;
const chunksOf = (count: number, chunk: Buffer) =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < count; sent += 1) yield chunk;
    })(),
  );

test("a stream is cut into parts of at least 8 MiB, and nothing of it is lost", async () => {
  const sizes: number[] = [];
  for await (const part of readParts(chunksOf(7, Buffer.alloc(3 * MIB)))) sizes.push(part.length / MIB);
  expect(sizes).toEqual([9, 9, 3]);
});

test("what fits one part is put whole, what does not in parts, in order", async () => {
  const put: string[] = [];
  const whole = async (content: Buffer) => put.push(`whole ${content.length}`);
  const inParts = async (parts: AsyncIterable<Buffer>) => {
    for await (const part of parts) put.push(`part ${part.length} ${part[0]}`);
  };
  await putInParts(Readable.from([]), whole, inParts);
  await putInParts(chunksOf(1, Buffer.alloc(9 * MIB)), whole, inParts);
  await putInParts(
    Readable.from([Buffer.alloc(9 * MIB, 1), Buffer.alloc(9 * MIB, 2), Buffer.from([3])]),
    whole,
    inParts,
  );
  expect(put).toEqual(["whole 0", `whole ${9 * MIB}`, `part ${9 * MIB} 1`, `part ${9 * MIB} 2`, "part 1 3"]);
});
