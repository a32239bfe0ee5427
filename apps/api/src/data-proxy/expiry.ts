import { type Duration, type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { SkeinError } from "@skein/errors";
import type { DataProxyLimits } from "./dependencies.ts";

/** How long a signed URL lives: what the client asked for, within the limit. */
export function readExpiry(asked: Duration | undefined, limits: DataProxyLimits): { seconds: number; at: Timestamp } {
  const max = limits.expiresInSecondsMax;
  const seconds = asked === undefined ? max : Number(asked.seconds) + (asked.nanos > 0 ? 1 : 0);
  if (seconds > max || seconds <= 0) {
    const message = `expires_in is ${seconds} s: use 1 to ${max} s, or leave it out for ${max} s.`;
    throw new SkeinError("invalid_argument", "expiry_out_of_range", message);
  }
  return { seconds, at: timestampFromMs(Date.now() + seconds * 1000) };
}
