import { randomBytes, randomInt } from "node:crypto";
import { SkeinError } from "@skein/errors";

const NAME_MAX = 63;
/** Without vowels and look-alikes, as Kubernetes does, so that no name spells a word. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const RANDOM_LENGTH = 19;
const SUFFIX_LENGTH = 5;

/** A run's name as given (contract 6.1), or a new one of 20 characters. */
export function readRunName(given: string): string {
  if (given === "") return generateRunName();
  if (given.length > NAME_MAX) throw invalid("name", `has ${given.length} characters: at most ${NAME_MAX} are allowed`);
  if (!/^[a-z][a-z\-0-9]*$/.test(given.toLowerCase())) {
    throw invalid("name", `is "${given}": begin with a letter and use letters, digits and - only`);
  }
  return given;
}

const generateRunName = (): string => `a${randomText(RANDOM_LENGTH)}`;

/** Another name for a run whose own is taken. */
export const otherRunName = (name: string): string =>
  `${name.slice(0, NAME_MAX - SUFFIX_LENGTH - 1)}-${randomText(SUFFIX_LENGTH)}`;

function randomText(length: number): string {
  let text = "";
  for (let index = 0; index < length; index++) text += ALPHABET[randomInt(ALPHABET.length)];
  return text;
}

const invalid = (field: string, problem: string): SkeinError =>
  new SkeinError("invalid_argument", "field_invalid", `${field} ${problem}.`);

/** A UUIDv7 (RFC 9562): its first 48 bits are the time, so that new rows land at the end of an index. */
export function newRunId(atMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(atMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** FNV-1a, 32 bits: spreads runs over shards. */
export function shardOf(runId: string, shardCount: number): number {
  let hash = 0x811c9dc5;
  for (const character of runId) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return shardCount === 0 ? 0 : hash % shardCount;
}
