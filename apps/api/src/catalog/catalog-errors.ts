import { SkeinError } from "@skein/errors";
import { invalid } from "../registry/identity.ts";

type Thing = "dataset" | "artifact" | "tag" | "cache_entry";

const nounOf = (thing: Thing): string => thing.replace("_", " ");

export const catalogNotFound = (thing: Thing, which: string): SkeinError =>
  new SkeinError("not_found", `${thing}_not_found`, `There is no ${nounOf(thing)} ${which} here.`);

export const catalogConflict = (thing: Thing, which: string): SkeinError =>
  new SkeinError("already_exists", `${thing}_exists`, `There is a ${nounOf(thing)} ${which} already.`);

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => UUID.test(text);

/** Names of tasks may have 255 characters, and a dataset's name and version hold more than that of one. */
const WORD_MAX = 512;

/** Refuses a word that is empty, too long, or that Postgres cannot hold. */
export function checkWord(field: string, word: string): void {
  if (word === "") throw invalid(field, "is missing: give it a value");
  if (word.length > WORD_MAX) throw invalid(field, `has ${word.length} characters: at most ${WORD_MAX} are allowed`);
  checkStorable(field, word);
}

export function checkStorable(field: string, text: string): void {
  if (text.includes("\u0000")) throw invalid(field, "holds a NUL character: remove it");
}
