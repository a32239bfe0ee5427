import { SkeinError } from "@skein/errors";

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const LENGTH = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;

/** `90`, `90s`, `1h30m`, `2d`: seconds. */
export function readSeconds(text: string, option: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (!LENGTH.test(text)) throw invalid(option, "must be a length of time such as 90s, 5m, 1h30m or 2d");
  return [...text.matchAll(PART)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** A moment as ISO 8601, or how long ago (`2h`, `3d`): as ISO 8601 in UTC. A moment without a zone is this machine's. */
export function readMoment(text: string, option: string, nowMs: number = Date.now()): string {
  if (LENGTH.test(text)) return new Date(nowMs - readSeconds(text, option) * 1_000).toISOString();
  const isDate = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/i.test(text);
  // A date alone would be read as UTC.
  const at = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
  if (isDate && !Number.isNaN(at.getTime())) return at.toISOString();
  throw invalid(option, "must be a moment such as 2026-01-31T12:00:00Z, a date, or how long ago such as 2h or 3d");
}

/** A whole number within bounds. */
export function readWhole(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
  throw invalid(option, `must be a whole number from ${min} to ${max}`);
}

/** `key=value` pairs as they came from a repeated option. */
export function readPairs(pairs: readonly string[], option: string): Record<string, string> {
  const read = pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at <= 0) throw invalid(option, `"${pair}" must be name=value`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(read);
}

export const invalid = (option: string, why: string): SkeinError =>
  new SkeinError("invalid_argument", "invalid_option", `${option}: ${why}.`);
