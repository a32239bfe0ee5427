import {
  INPUT_OPERATORS,
  type InputCondition,
  type ListCondition,
  RUN_SORTS,
  type RunCursor,
  type RunField,
  type RunFilter,
} from "@skein/db";
import { RUN_PHASES } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { z } from "zod";
import { RUN_MODE_NAMES } from "../runs/run-modes.ts";
import { procedure } from "./base.ts";
import { word } from "./inputs.ts";
import { toRunJson } from "./run-json.ts";

const Moment = z.iso
  .datetime({ offset: true, error: "must be a time, like 2026-01-31T12:00:00Z" })
  .transform((text) => new Date(text));
const Seconds = z.number().min(0);

const InputValue = z.union([
  z.boolean(),
  z.number(),
  z
    .string()
    .max(256)
    .refine((text) => !text.includes("\u0000") && text.isWellFormed(), "must be text that Postgres can keep"),
]);
const Input = z.object({
  name: word("input's name"),
  operator: z.enum(INPUT_OPERATORS).default("eq"),
  /** For `eq` also several, of which one has to fit. Integers beyond 2^53 are text. */
  value: z.union([InputValue, z.array(InputValue).min(1).max(100)]),
});

const several = <T extends z.ZodType>(one: T) => z.array(one).min(1).max(100).optional();

/** Which runs; whatever is left out does not matter, and all that is given must hold. */
const Filter = z.object({
  project: word("project's id"),
  /** Left out: all domains. */
  domain: word("domain's id").optional(),
  states: z
    .array(z.enum(["active", "archived"]))
    .min(1)
    .default(["active"]),
  phases: several(z.enum(RUN_PHASES)),
  modes: several(z.enum(RUN_MODE_NAMES)),
  principals: several(word("principal")),
  errorCodes: several(word("error's code")),
  errorKind: z.enum(["user", "system"]).optional(),
  /** A part of the run's name. */
  nameContains: word("part of a name").optional(),
  workflow: word("workflow's name").optional(),
  launchPlan: word("launch plan's name").optional(),
  task: word("task's name").optional(),
  /** Of the launch plan or task where one is named, else of the workflow. */
  version: word("version").optional(),
  /** One of them. */
  tags: several(word("tag")),
  /** All of them; an empty value stands for any. */
  labels: z.record(word("label"), z.string().max(320)).default({}),
  inputs: z.array(Input).max(20).default([]),
  createdAfter: Moment.optional(),
  createdBefore: Moment.optional(),
  startedAfter: Moment.optional(),
  startedBefore: Moment.optional(),
  endedAfter: Moment.optional(),
  endedBefore: Moment.optional(),
  durationMin: Seconds.optional(),
  durationMax: Seconds.optional(),
});
type Filter = z.output<typeof Filter>;

const Search = Filter.extend({
  sort: z.enum(RUN_SORTS).default("createdAt"),
  order: z.enum(["desc", "asc"]).default("desc"),
  limit: z.int().min(1).max(1_000).default(100),
  /** `nextCursor` of the page before. */
  cursor: z.string().max(500).nullish(),
});
type Search = z.output<typeof Search>;

type Condition = ListCondition<RunField>;

const oneOf = (field: RunField, values: readonly string[] | undefined): Condition[] =>
  values === undefined ? [] : [{ field, operator: "in", values }];
const isOnly = (field: RunField, value: string | undefined): Condition[] =>
  value === undefined ? [] : [{ field, operator: "eq", values: [value] }];
/** From the first, up to the second but without it. */
const between = <T extends Date | number>(field: RunField, from: T | undefined, to: T | undefined): Condition[] => [
  ...(from === undefined ? [] : [{ field, operator: "gte", values: [from] } as const]),
  ...(to === undefined ? [] : [{ field, operator: "lt", values: [to] } as const]),
];

function conditionsOf(input: Filter): Condition[] {
  const { launchPlan, task, version, durationMin, durationMax } = input;
  const versioned = task !== undefined ? "taskVersion" : launchPlan !== undefined ? "launchPlanVersion" : undefined;
  return [
    ...oneOf("state", input.states),
    ...oneOf("phase", input.phases),
    ...oneOf("mode", input.modes),
    ...(input.principals?.length === 1
      ? isOnly("principal", input.principals[0])
      : oneOf("principal", input.principals)),
    ...oneOf("errorCode", input.errorCodes),
    ...isOnly("errorKind", input.errorKind),
    ...(input.nameContains === undefined
      ? []
      : [{ field: "name", operator: "contains", values: [input.nameContains] } as const]),
    ...isOnly("workflowName", input.workflow),
    ...isOnly("launchPlanName", launchPlan),
    ...isOnly("taskName", task),
    ...isOnly(versioned ?? "workflowVersion", version),
    ...oneOf("tag", input.tags),
    ...between("createdAt", input.createdAfter, input.createdBefore),
    ...between("startedAt", input.startedAfter, input.startedBefore),
    ...between("endedAt", input.endedAfter, input.endedBefore),
    ...(durationMin === undefined ? [] : [{ field: "duration", operator: "gte", values: [durationMin] } as const]),
    ...(durationMax === undefined ? [] : [{ field: "duration", operator: "lte", values: [durationMax] } as const]),
  ];
}

function inputCondition({ name, operator, value }: z.output<typeof Input>): InputCondition {
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 1 || operator === "eq") return { name, operator, values };
  throw invalidInput(`inputs.${name}: give one value to compare with ${operator}, several are for eq`);
}

const filterOf = (input: Filter): RunFilter => ({
  project: input.project,
  domain: input.domain,
  where: conditionsOf(input),
  inputs: input.inputs.map(inputCondition),
  labels: Object.entries(input.labels).map(([key, value]) => ({ key, value: value === "" ? undefined : value })),
});

/** What a cursor was made for, and where its page ended. */
const Cursor = z.tuple([z.enum(RUN_SORTS), z.enum(["desc", "asc"]), z.union([z.number(), z.null()]), z.uuid()]);

function readCursor({ cursor, sort, order }: Search): RunCursor | undefined {
  if (!cursor) return undefined;
  const parsed = Cursor.safeParse(jsonOf(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success) throw invalidInput("cursor: give back the nextCursor of the page before");
  const [madeFor, madeOrder, value, id] = parsed.data;
  if (madeFor !== sort || madeOrder !== order) {
    throw invalidInput(`cursor: it belongs to a list sorted by ${madeFor} ${madeOrder}; sort in the same way`);
  }
  const moment = new Date(value ?? 0);
  if (Number.isNaN(moment.getTime())) throw invalidInput("cursor: give back the nextCursor of the page before");
  return { id, value: value === null || sort === "duration" ? value : moment };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const cursorOf = ({ sort, order }: Search, row: { readonly id: string } & Sorted): string => {
  const value = row[sort];
  const written: z.input<typeof Cursor> = [sort, order, value instanceof Date ? value.getTime() : value, row.id];
  return Buffer.from(JSON.stringify(written)).toString("base64url");
};

interface Sorted {
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly duration: number | null;
}

const invalidInput = (problem: string) => new SkeinError("invalid_argument", "invalid_input", problem);

/** Of more runs in a domain, the newest are counted. */
const COUNTED_MAX = 100_000;

/** Finding runs over all of a project. */
export const searchProcedures = {
  /** A page of the runs that fit, newest first unless told otherwise. Pages never overlap, whatever starts meanwhile. */
  search: procedure.input(Search).query(async ({ ctx, input }) => {
    const { sort, order, limit } = input;
    const after = readCursor(input);
    const search = { ...filterOf(input), sort, descending: order === "desc", limit, after };
    const runs = await ctx.services.runs.search(ctx.call, search);
    const last = runs.length === limit ? runs.at(-1) : undefined;
    return { items: runs.map(toRunJson), nextCursor: last === undefined ? null : cursorOf(input, last) };
  }),

  /** How many of the runs that fit are in each phase. `isCut`: there are more than were counted. */
  count: procedure.input(Filter).query(async ({ ctx, input }) => {
    const { phases, isCut } = await ctx.services.runs.count(ctx.call, filterOf(input), COUNTED_MAX);
    const total = Object.values(phases).reduce((sum, count) => sum + count, 0);
    return { phases, total, isCut };
  }),
};
