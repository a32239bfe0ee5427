/** Minutes, hours, day of month, month, day of week; for AWS also the year. */
export interface CronDefinition {
  readonly kind: "cron";
  /** As the user wrote it. */
  readonly expression: string;
  /** AWS counts Sunday as day 1, and has a sixth field for the year. */
  readonly dialect: "unix" | "aws";
  /** How long after the moments of the expression it fires; negative for before. */
  readonly offsetMs: number;
}

export const RATE_UNITS = ["minute", "hour", "day"] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

/** Once in a fixed time, from an anchor on. */
export interface RateDefinition {
  readonly kind: "rate";
  readonly value: number;
  readonly unit: RateUnit;
}

/** When something is to happen again and again, as plain data: it is stored as JSON. */
export type ScheduleDefinition = CronDefinition | RateDefinition;

const UNIT_MS: Record<RateUnit, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** How long a rate waits from one tick to the next. */
export const rateMs = ({ value, unit }: RateDefinition): number => value * UNIT_MS[unit];

/** A definition in words that people know: the expression, or `every 5 minutes`. */
export function describeDefinition(definition: ScheduleDefinition): string {
  if (definition.kind === "cron") return definition.expression;
  const { value, unit } = definition;
  return value === 1 ? `every ${unit}` : `every ${value} ${unit}s`;
}
