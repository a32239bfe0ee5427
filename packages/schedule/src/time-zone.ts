import { problem } from "./problem.ts";

const known = new Map<string, boolean>();
const KNOWN_MAX = 1_000;

/** Whether it is an IANA name that this process has rules for, such as `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const isKnown = canFormat(name);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, isKnown);
  return isKnown;
}

function canFormat(name: string): boolean {
  // Offsets such as +02:00 are no places: they know no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Throws invalid_argument naming `field` unless it is a time zone. */
export function checkTimeZone(field: string, name: string): void {
  if (isTimeZone(name)) return;
  throw problem(field, `is "${name}", which is no time zone: use an IANA name such as Europe/Berlin or UTC`);
}
