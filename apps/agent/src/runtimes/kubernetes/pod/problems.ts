import { SkeinError } from "@skein/errors";

const SHOWN_MAX = 20;

/** What is wrong with a pod, gathered so that its author hears of everything at once. */
export class Problems {
  readonly #sentences: string[] = [];

  add(sentence: string): void {
    if (!this.#sentences.includes(sentence)) this.#sentences.push(sentence);
  }

  /** Throws what was gathered, if anything was. */
  throwAny(reason: string, introduction: string): void {
    if (this.#sentences.length === 0) return;
    const more = this.#sentences.length - SHOWN_MAX;
    const shown = this.#sentences.slice(0, SHOWN_MAX).join("; ");
    throw new SkeinError(
      "invalid_argument",
      reason,
      `${introduction}: ${shown}${more > 0 ? `; and ${more} more` : ""}`,
    );
  }
}
