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
  const name = path.length <= NAME_LENGTH_MAX ? path : `f${base32(BigInt(fnv32a(path)), 32)}`;
  if (!isTaken(name)) return name;
  let suffix = 1;
  while (isTaken(`${name}-${suffix}`)) suffix += 1;
  return `${name}-${suffix}`;
}

/**
 * The name of an action inside of a map's item. There may be millions of them and the engine forgets them, so a long one
 * becomes a hash of 64 bits, which no other name is expected to have.
 */
export function nameInItem(parent: NameParent, nodeId: string): string {
  const path = `${parent.name}-${parent.attempt}-${nodeId}`;
  return path.length <= NAME_LENGTH_MAX ? path : `f${base32(fnv64a(path), 64)}`;
}

/**
 * The name of the run that a launch plan's action starts (contract 6.3). Runs are named after fewer characters than
 * actions: a name with another one in it becomes a hash as well.
 */
export function childRunName(runName: string, actionName: string, attempt: number): string {
  const path = `${runName}-${actionName}-${attempt}`;
  const isPlain = path.length <= NAME_LENGTH_MAX && /^[A-Za-z0-9-]+$/.test(path);
  return isPlain ? path : `f${base32(fnv64a(path), 64)}`;
}

/** The name of a map's item. */
export const itemName = (arrayName: string, index: number): string => `${arrayName}.${index}`;

function fnv64a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}

function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The bits of a hash, most significant first, 5 to a character and the last one filled up with zeros. */
function base32(hash: bigint, width: number): string {
  let text = "";
  for (let shift = width - 5; shift > -5; shift -= 5) {
    const digit = shift >= 0 ? hash >> BigInt(shift) : hash << BigInt(-shift);
    text += ALPHABET.charAt(Number(digit & 31n));
  }
  return text;
}
