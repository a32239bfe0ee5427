const NAME_LENGTH_MAX = 20;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz123456";

/** Whose child an action is; null at the top of a run. */
export interface NameParent {
  readonly name: string;
  readonly attempt: number;
}

/**
 * The name by which clients know an action (contract 6.3): its parents' name, their attempt and the node's id; a short
 * hash of that when it is longer than 20 characters. Hashes of 32 bits collide in large runs, so a taken name gets a
 * number. Deterministic in the order of creation.
 */
export function uniqueName(parent: NameParent | null, nodeId: string, isTaken: (name: string) => boolean): string {
  const path = parent ? `${parent.name}-${parent.attempt}-${nodeId}` : nodeId;
  const name = path.length <= NAME_LENGTH_MAX ? path : `f${base32(fnv32a(path))}`;
  if (!isTaken(name)) return name;
  let suffix = 1;
  while (isTaken(`${name}-${suffix}`)) suffix += 1;
  return `${name}-${suffix}`;
}

function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The 32 bits, most significant first, 5 to a character and the last one filled up with zeros. */
function base32(bits: number): string {
  let text = "";
  for (let shift = 27; shift > -5; shift -= 5) {
    const digit = shift >= 0 ? bits >>> shift : bits << -shift;
    text += ALPHABET.charAt(digit & 31);
  }
  return text;
}
