import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { SkeinError } from "@skein/errors";

/** The value as the api takes it: a file's bytes, or what comes on standard input; a person is asked, and does not see it. */
export async function readSecretValue(path: string | undefined): Promise<{ readonly base64: string }> {
  const bytes = path === undefined ? await readInput() : await readGivenFile(path);
  return { base64: bytes.toString("base64") };
}

async function readGivenFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const message = `The value cannot be read: ${(cause as Error).message}`;
    throw new SkeinError("invalid_argument", "file_unreadable", message, { cause });
  }
}

/** `echo` and here-documents end with a line break that nobody means. */
async function readInput(): Promise<Buffer> {
  if (process.stdin.isTTY) return Buffer.from(await askUnseen("Value (not shown): "));
  const bytes = await buffer(process.stdin);
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

async function askUnseen(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
