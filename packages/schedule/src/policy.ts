import { problem } from "./problem.ts";
import { checkTimeZone } from "./time-zone.ts";

/** What happens to ticks that were due while nobody was there to fire them. */
export type CatchUp = { readonly mode: "none" | "latest" } | { readonly mode: "all"; readonly max: number };

/** What happens to a tick that comes while the run of an earlier one goes on. */
export const OVERLAPS = ["allow", "skip", "queue", "cancel"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** How a schedule behaves, as its owner decided; what is left out is decided elsewhere. */
export interface SchedulePolicy {
  readonly timeZone?: string;
  /** `none`, `latest`, `all` or `all max 10`. */
  readonly catchUp?: string;
  readonly overlap?: Overlap;
}

/** How a schedule behaves where nobody says otherwise: as in Flyte, but an outage of a year starts no million runs. */
export const DEFAULT_POLICY = { timeZone: "UTC", catchUp: "all max 100", overlap: "allow" } as const;
export const CATCH_UP_MAX = 1_000;

/** Reads `none`, `latest`, `all` and `all max N`; throws invalid_argument naming `field` for anything else. */
export function readCatchUp(field: string, text: string): CatchUp {
  const words = text.trim().toLowerCase();
  if (words === "none" || words === "latest") return { mode: words };
  if (words === "all") return readCatchUp(field, DEFAULT_POLICY.catchUp);
  const max = Number(/^all max (\d+)$/.exec(words)?.[1] ?? 0);
  if (max >= 1 && max <= CATCH_UP_MAX) return { mode: "all", max };
  throw problem(field, `is "${text}": use none, latest, all, or "all max N" with N from 1 to ${CATCH_UP_MAX}`);
}

/** Reads `allow`, `skip`, `queue` or `cancel`; throws invalid_argument naming `field` for anything else. */
export function readOverlap(field: string, text: string): Overlap {
  const word = text.trim().toLowerCase();
  const overlap = OVERLAPS.find((name) => name === word);
  if (overlap !== undefined) return overlap;
  throw problem(field, `is "${text}": use ${OVERLAPS.slice(0, -1).join(", ")} or ${OVERLAPS.at(-1)}`);
}

const PREFIX = "skein.dev/";
const TIME_ZONE = `${PREFIX}timezone`;
const CATCH_UP = `${PREFIX}catch-up`;
const OVERLAP = `${PREFIX}overlap`;

/** What annotations of a launch plan say of its schedule; throws invalid_argument naming the annotation. */
export function readPolicyAnnotations(annotations: Readonly<Record<string, string>>): SchedulePolicy {
  const { [TIME_ZONE]: timeZone, [CATCH_UP]: catchUp, [OVERLAP]: overlap } = annotations;
  const fieldOf = (name: string) => `spec.annotations["${name}"]`;
  if (timeZone !== undefined) checkTimeZone(fieldOf(TIME_ZONE), timeZone);
  if (catchUp !== undefined) readCatchUp(fieldOf(CATCH_UP), catchUp);
  return {
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(catchUp === undefined ? {} : { catchUp }),
    ...(overlap === undefined ? {} : { overlap: readOverlap(fieldOf(OVERLAP), overlap) }),
  };
}
