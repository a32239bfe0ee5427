/**
 * What a terminal would obey instead of show: C0 and C1 controls, and the marks that turn the direction of text. Names,
 * errors and logs come from others, so none of these reaches a terminal as it is.
 */
const UNSAFE = /[\p{Cc}\p{Bidi_C}]/gu;
const UNSAFE_BUT_BREAKS = /[^\P{Cc}\n]|\p{Bidi_C}/gu;
const ESCAPE = "\u001b";
/** Colours and weights. */
const COLOUR = new RegExp(`^${ESCAPE}\\[[0-9;:]*m`);

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const hex = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
const escapeOne = (character: string): string => SHORT[character] ?? hex(character);

/** One line of text that is safe to show. */
export const safeLine = (text: string): string => text.replace(UNSAFE, escapeOne);

/** Text of several lines that is safe to show; tabs become spaces. */
export const safeLines = (text: string): string =>
  text.replaceAll("\t", "    ").replaceAll("\r\n", "\n").replace(UNSAFE_BUT_BREAKS, escapeOne);

/** JSON, or YAML in which such text stands in double quotes, with nothing in it that a terminal obeys. */
export const safeDocument = (document: string): string => document.replace(UNSAFE_BUT_BREAKS, hex);

export const isUnsafe = (text: string): boolean => text.search(UNSAFE) >= 0;

/** A stretch of a log for a terminal: breaks, tabs and colours stay, anything else is shown instead of obeyed. */
export function safeLog(text: string): string {
  let safe = "";
  let isColoured = false;
  for (let rest = text; rest !== ""; ) {
    const colour = COLOUR.exec(rest)?.[0];
    if (colour !== undefined) {
      safe += colour;
      isColoured = true;
      rest = rest.slice(colour.length);
      continue;
    }
    const next = rest.indexOf(ESCAPE, 1);
    const plain = next < 0 ? rest : rest.slice(0, next);
    safe += plain.replace(UNSAFE, (character) => (/[\n\r\t]/.test(character) ? character : escapeOne(character)));
    rest = rest.slice(plain.length);
  }
  return isColoured ? `${safe}${ESCAPE}[0m` : safe;
}
