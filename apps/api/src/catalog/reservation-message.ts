import { type Duration, durationFromMs, durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Reservation } from "@skein/db";

/** A reservation in the words that both catalog services share. */
export const toReservation = ({ ownerId, heartbeatSeconds, expiresAt }: Reservation) => ({
  ownerId,
  heartbeatInterval: durationFromMs(heartbeatSeconds * 1_000),
  expiresAt: timestampFromDate(expiresAt),
});

/** How often the client means to ask again; as seldom as it may where it does not say. */
export const secondsOf = (interval: Duration | undefined): number =>
  interval ? durationMs(interval) / 1_000 : Number.POSITIVE_INFINITY;
