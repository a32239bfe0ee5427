import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
import { LOG_BYTES_MAX } from "@skein/contracts";
import type Docker from "dockerode";

const LOG_SLACK_BYTES = 1024 * 1024;

/**
 * Appends what a container prints to a file, without the first `skip` bytes, which are there already. Resolves when the
 * container prints no more or `signal` aborts.
 */
export async function copyLogs(
  container: Docker.Container,
  path: string,
  skip: number,
  signal: AbortSignal,
): Promise<void> {
  const source = await container.logs({ follow: true, stdout: true, stderr: true });
  const file = createWriteStream(path, { flags: "a", mode: 0o600 });
  const target = logWriter(file, skip);
  container.modem.demuxStream(source, target, target);
  const onAbort = () => (source as NodeJS.ReadableStream & { destroy(): void }).destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([once(source, "end"), once(source, "close")]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    await new Promise<void>((resolve) => target.end(() => resolve()));
  }
}

/** Beyond the cap nothing is kept: a log must fill neither memory nor disk. */
function logWriter(file: Writable, skip: number): Writable {
  let [toSkip, written] = [skip, skip];
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const rest = chunk.subarray(Math.min(toSkip, chunk.length));
      toSkip -= chunk.length - rest.length;
      const isOver = written > LOG_BYTES_MAX + LOG_SLACK_BYTES;
      written += rest.length;
      if (isOver || rest.length === 0) done();
      else file.write(rest, done);
    },
    final: (done) => void file.end(done),
  });
}
