import { FixedRateUnit, type LaunchPlanSpec, type Schedule } from "@skein/idl/admin";
import type { RateUnit, ScheduleDefinition } from "./definition.ts";
import { readDuration } from "./duration.ts";
import { DEFAULT_POLICY, readPolicyAnnotations, type SchedulePolicy } from "./policy.ts";
import { problem } from "./problem.ts";
import { checkDefinition } from "./ticks.ts";

/** What a launch plan says of its schedule. */
export interface PlannedSchedule {
  readonly definition: ScheduleDefinition;
  readonly policy: SchedulePolicy;
  /** The input that is given the moment of the tick; empty for none. */
  readonly kickoffInput: string;
}

const FIELD = "spec.entity_metadata.schedule";
const UNITS: Record<FixedRateUnit, RateUnit> = {
  [FixedRateUnit.MINUTE]: "minute",
  [FixedRateUnit.HOUR]: "hour",
  [FixedRateUnit.DAY]: "day",
};

/** Reads the schedule of a launch plan; undefined where it has none. Throws invalid_argument where it cannot be read. */
export function plannedSchedule(spec: LaunchPlanSpec): PlannedSchedule | undefined {
  const policy = readPolicyAnnotations(spec.annotations?.values ?? {});
  const schedule = spec.entityMetadata?.schedule;
  const definition = schedule && definitionOf(schedule);
  if (!definition) return undefined;
  return { definition, policy, kickoffInput: schedule.kickoffTimeInputArg };
}

/** A schedule without an expression counts as none: flytekit sends it so. */
function definitionOf({ ScheduleExpression: expression }: Schedule): ScheduleDefinition | undefined {
  switch (expression.case) {
    case "cronSchedule": {
      const offsetMs = readDuration(`${FIELD}.cron_schedule.offset`, expression.value.offset);
      return { kind: "cron", expression: expression.value.schedule, dialect: "unix", offsetMs };
    }
    case "cronExpression":
      return { kind: "cron", expression: expression.value, dialect: "aws", offsetMs: 0 };
    case "rate": {
      const { value, unit } = expression.value;
      const known = UNITS[unit];
      if (known === undefined) throw problem(`${FIELD}.rate.unit`, `is ${unit}: use MINUTE, HOUR or DAY`);
      return { kind: "rate", value, unit: known };
    }
    default:
      return undefined;
  }
}

/** Which field of the message holds the definition. */
const fieldOf = ({ kind, ...rest }: ScheduleDefinition): string => {
  if (kind === "rate") return FIELD;
  return "dialect" in rest && rest.dialect === "aws" ? `${FIELD}.cron_expression` : `${FIELD}.cron_schedule.schedule`;
};

/** Throws invalid_argument where the schedule of a launch plan cannot be read or never fires. */
export function checkPlannedSchedule(spec: LaunchPlanSpec): void {
  const planned = plannedSchedule(spec);
  if (!planned) return;
  const { definition, policy } = planned;
  checkDefinition(definition, policy.timeZone ?? DEFAULT_POLICY.timeZone, fieldOf(definition));
}
