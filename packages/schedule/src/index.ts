export {
  type CronDefinition,
  describeDefinition,
  RATE_UNITS,
  type RateDefinition,
  type RateUnit,
  rateMs,
  type ScheduleDefinition,
} from "./definition.ts";
export { checkPlannedSchedule, type PlannedSchedule, plannedSchedule } from "./planned.ts";
export {
  CATCH_UP_MAX,
  type CatchUp,
  DEFAULT_POLICY,
  OVERLAPS,
  type Overlap,
  readCatchUp,
  readOverlap,
  readPolicyAnnotations,
  type SchedulePolicy,
} from "./policy.ts";
export { tickRunName } from "./tick-name.ts";
export { checkDefinition, openTicks, type TickOptions, type Ticks } from "./ticks.ts";
export { checkTimeZone, isTimeZone } from "./time-zone.ts";
