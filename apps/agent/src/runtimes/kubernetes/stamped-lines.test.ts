import { expect, test } from "vitest";
import { StampedLines, UnstampedLine } from "./stamped-lines.ts";

const at = (second: number, text: string): string =>
  `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000000Z ${text}\n`;
const LOG = [at(1, "one"), at(2, "two a"), at(2, "two b"), at(2, "two c"), at(3, "three")].join("");
const TEXT = "one\ntwo a\ntwo b\ntwo c\nthree\n";

const read = (lines: StampedLines, log: string, size: number): string => {
  let text = "";
  for (let start = 0; start < log.length; start += size) {
    text += Buffer.concat(lines.take(Buffer.from(log.slice(start, start + size)))).toString();
  }
  return text;
};

test("stamps are left out, however the log is cut into pieces", () => {
  for (let size = 1; size < 40; size += 1) expect(read(new StampedLines(), LOG, size)).toBe(TEXT);
});

test("a log that breaks off anywhere and is asked for again comes out once", () => {
  for (let cut = 0; cut < LOG.length; cut += 1) {
    const lines = new StampedLines();
    let text = read(lines, LOG.slice(0, cut), 7);
    const { since } = lines;
    lines.restart();
    // As the kubelet does: everything from that second on.
    const again = since === undefined ? LOG : LOG.slice(LOG.indexOf(`${since} `));
    text += read(lines, again, 11);
    expect(text).toBe(TEXT);
  }
});

test("a line that is older than the one before it is kept", () => {
  expect(read(new StampedLines(), at(2, "two") + at(1, "one") + at(2, "more"), 9)).toBe("two\none\nmore\n");
});

test("what has no stamp is the kubelet's own trouble", () => {
  const trouble = "failed to create fsnotify watcher: too many open files";
  expect(() => new StampedLines().take(Buffer.from(trouble))).toThrow(UnstampedLine);
});
