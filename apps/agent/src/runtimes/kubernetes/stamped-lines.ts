const NEW_LINE = 10;
const SPACE = 32;
const STAMP = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
const STAMP_LENGTH_MAX = 40;

/** The kubelet put its own trouble into the text. */
export class UnstampedLine extends Error {}

/**
 * Reads a log whose lines begin with the moment at which they were printed, and knows by these where it was: after a break
 * the log is asked for again from `since`, and what was there already is left out.
 */
export class StampedLines {
  /** The newest stamp, how many whole lines have it, and how much of one more was taken. */
  #stamp = "";
  #whole = 0;
  #begun = 0;
  /** What came of a line's stamp so far. */
  #head = "";
  #isInLine = false;
  /** Whether the current line has the newest stamp. */
  #isNewest = false;
  /** How much of the current line is to be left out. */
  #skip = 0;
  /** After a restart, until the place is reached: how many lines of the newest stamp went by. */
  #passed: number | undefined;

  /** The stamp from which on to read again; undefined at the start. */
  get since(): string | undefined {
    return this.#stamp === "" ? undefined : this.#stamp;
  }

  /** The log comes again, from `since` on. */
  restart(): void {
    [this.#head, this.#isInLine, this.#skip] = ["", false, 0];
    this.#passed = this.#stamp === "" ? undefined : 0;
  }

  /** What of the chunk is news, without stamps. */
  take(chunk: Buffer): Buffer[] {
    const news: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (!this.#isInLine) {
        at = this.#readStamp(chunk, at);
        continue;
      }
      const end = chunk.indexOf(NEW_LINE, at);
      const isWhole = end >= 0;
      const text = chunk.subarray(at, isWhole ? end + 1 : chunk.length);
      at += text.length;
      const fresh = text.subarray(Math.min(this.#skip, text.length));
      this.#skip -= text.length - fresh.length;
      if (fresh.length > 0) {
        news.push(fresh);
        if (this.#isNewest) this.#begun += fresh.length;
      }
      if (isWhole) this.#endLine();
    }
    return news;
  }

  #readStamp(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(SPACE, at);
    this.#head += chunk.subarray(at, end < 0 ? chunk.length : end).toString("latin1");
    if (end < 0 && this.#head.length <= STAMP_LENGTH_MAX) return chunk.length;
    if (end < 0 || !STAMP.test(this.#head)) throw new UnstampedLine(chunk.subarray(at, at + 200).toString());
    this.#beginLine(this.#head);
    this.#head = "";
    return end + 1;
  }

  #beginLine(stamp: string): void {
    this.#isInLine = true;
    this.#skip = 0;
    this.#isNewest = stamp >= this.#stamp;
    if (stamp > this.#stamp) {
      [this.#stamp, this.#whole, this.#begun, this.#passed] = [stamp, 0, 0, undefined];
    } else if (this.#passed !== undefined) {
      const isTaken = !this.#isNewest || this.#passed < this.#whole;
      this.#skip = isTaken ? Number.POSITIVE_INFINITY : this.#begun;
      if (!isTaken) this.#passed = undefined;
    }
  }

  #endLine(): void {
    this.#isInLine = false;
    if (!this.#isNewest) return;
    if (this.#passed !== undefined) {
      this.#passed += 1;
    } else {
      this.#whole += 1;
      this.#begun = 0;
    }
  }
}
