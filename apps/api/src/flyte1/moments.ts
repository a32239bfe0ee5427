import { type Duration, durationFromMs, type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";

interface Moments {
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

interface FlyteMoments {
  createdAt: Timestamp;
  updatedAt: Timestamp;
  startedAt?: Timestamp;
  duration?: Duration;
}

/** The times of a closure. The duration comes with the end; what ended before it started lasted nothing. */
export function toMoments({ createdAt, updatedAt, startedAt, endedAt }: Moments): FlyteMoments {
  const moments: FlyteMoments = { createdAt: timestampFromDate(createdAt), updatedAt: timestampFromDate(updatedAt) };
  if (startedAt) moments.startedAt = timestampFromDate(startedAt);
  if (endedAt) moments.duration = durationFromMs(endedAt.getTime() - (startedAt ?? endedAt).getTime());
  return moments;
}
