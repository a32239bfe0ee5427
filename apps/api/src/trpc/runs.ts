import { toJson } from "@bufbuild/protobuf";
import { isTerminalAttempt, RUN_PHASES } from "@skein/engine";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { tracked } from "@trpc/server";
import { z } from "zod";
import { flyteUrls } from "../flyte1/artifact-uris.ts";
import { attemptReason } from "../runs/attempt-reason.ts";
import { RUN_MODE_NAMES } from "../runs/run-modes.ts";
import { START_OF_RUN } from "../watch/watch-run.ts";
import { procedure, router } from "./base.ts";
import { ByAction, ByAttempt, ByName, InDomain, Page, pageOf, word } from "./inputs.ts";
import { LaunchInput, Priority, readLaunch } from "./launch.ts";
import { purgeProcedures } from "./retention.ts";
import { toActionJson, toAttemptJson, toRunJson } from "./run-json.ts";
import { mapProcedures } from "./run-maps.ts";
import { searchProcedures } from "./run-search.ts";
import { toValuesJson } from "./values-json.ts";

const State = z.enum(["active", "archived"], "must be active or archived");

/** Empty: the server makes a name. */
const NewName = z.string().max(63).default("");
const ActionName = word("action's name");

const Rerun = ByName.extend({
  newName: NewName,
  from: z.union([ActionName, z.array(ActionName).min(1).max(1_000)]),
  overwriteCache: z.boolean().default(false),
});

const ListRuns = InDomain.extend(Page.shape).extend({
  phases: z.array(z.enum(RUN_PHASES)).min(1).optional(),
  workflow: word("workflow's name").optional(),
  modes: z.array(z.enum(RUN_MODE_NAMES)).min(1).optional(),
  /** Runs that have one of these. */
  tags: z.array(word("tag")).min(1).max(100).optional(),
  /** Name of a run: only those that it started itself. */
  parent: word("parent run's name").optional(),
  state: State.default("active"),
});
type ListRuns = z.output<typeof ListRuns>;

const LOG_PAGE_BYTES = 256 * 1024;
const ReadLogs = ByAttempt.extend({
  /** In bytes from the beginning: `nextOffset` of the page before. */
  offset: z.int().min(0).default(0),
  bytesMax: z.int().min(16).max(LOG_PAGE_BYTES).default(LOG_PAGE_BYTES),
});

/** `sequence.ordinal`, as our own events are numbered; a browser sends the last one back when it reconnects. */
const EventId = z
  .string()
  .regex(/^\d{1,15}\.-?\d{1,10}$/, "must be the id of an event of this run")
  .transform((id) => {
    const [sequence = 0, ordinal = 0] = id.split(".").map(Number);
    return { sequence, ordinal };
  })
  .pipe(z.object({ sequence: z.int(), ordinal: z.int32() }));

const oneOf = <Field extends string>(field: Field, values: readonly string[] | undefined) =>
  values === undefined ? [] : [{ field, operator: "in" as const, values }];

const scopeOf = ({ project, domain, state, phases, workflow, modes, tags }: ListRuns) => [
  ...oneOf("project", [project]),
  ...oneOf("domain", [domain]),
  ...oneOf("state", [state]),
  ...oneOf("phase", phases),
  ...oneOf("workflowName", workflow === undefined ? undefined : [workflow]),
  ...oneOf("mode", modes),
  ...oneOf("tag", tags),
];

/** Runs: start, look, follow, end. */
export const runsRouter = router({
  launch: procedure.input(LaunchInput).mutation(async ({ ctx, input }) => {
    const { services, call } = ctx;
    return services.runs.launch(call, await readLaunch(services, call, input));
  }),

  relaunch: procedure
    .input(ByName.extend({ newName: NewName, overwriteCache: z.boolean().default(false) }))
    .mutation(({ ctx, input: { newName, overwriteCache, ...reference } }) =>
      ctx.services.runs.relaunch(ctx.call, { reference, name: newName, overwriteCache }),
    ),

  /** Starts a run again that is over, and takes over what succeeded in it. */
  recover: procedure
    .input(ByName.extend({ newName: NewName }))
    .mutation(({ ctx, input: { newName, ...reference } }) =>
      ctx.services.runs.recover(ctx.call, { reference, name: newName }),
    ),

  /** Like `recover`, but does the actions `from`, and all that comes after them, anew. */
  rerun: procedure.input(Rerun).mutation(({ ctx, input: { newName, from, overwriteCache, ...reference } }) => {
    const actions = typeof from === "string" ? [from] : from;
    return ctx.services.runs.rerun(ctx.call, { reference, name: newName, from: actions, overwriteCache });
  }),

  /** With the run that it repeats and the spec as merged at launch, in protobuf's JSON form. */
  get: procedure.input(ByName).query(async ({ ctx, input }) => {
    const run = await ctx.services.runs.get(ctx.call, input);
    const reference = (await ctx.services.runs.findReference(ctx.call, run)) ?? null;
    return { ...toRunJson(run), reference, spec: toJson(ExecutionSpecSchema, run.spec) };
  }),

  list: procedure.input(ListRuns).query(async ({ ctx, input }) => {
    const sort = { field: "createdAt", descending: true } as const;
    const { parent, project, domain } = input;
    const parentRun =
      parent === undefined ? undefined : await ctx.services.runs.get(ctx.call, { project, domain, name: parent });
    const where = [...scopeOf(input), ...oneOf("parentRunId", parentRun && [parentRun.id])];
    const query = { where, sort, limit: input.limit, offset: input.cursor };
    return pageOf((await ctx.services.runs.list(ctx.call, query)).map(toRunJson), input);
  }),

  abort: procedure
    .input(ByName.extend({ cause: z.string().max(4_000).default("") }))
    .mutation(async ({ ctx, input: { cause, ...id } }) => {
      await ctx.services.runs.abort(ctx.call, id, cause);
      return { isAsked: true };
    }),

  /** Archives a run, or brings it back. Its work goes on untouched. */
  setState: procedure.input(ByName.extend({ state: State })).mutation(async ({ ctx, input: { state, ...id } }) => {
    await ctx.services.runs.setState(ctx.call, id, state);
    return { state };
  }),

  /** Changes how urgent an unfinished run is, with all runs below it. What agents were offered already keeps its place. */
  setPriority: procedure
    .input(ByName.extend({ priority: Priority }))
    .mutation(async ({ ctx, input: { priority, ...id } }) => {
      await ctx.services.runs.setPriority(ctx.call, id, priority);
      return { priority };
    }),

  /** Why the run, or one action of it, does not go on, in sentences. */
  why: procedure
    .input(ByName.extend({ action: ActionName.optional() }))
    .query(({ ctx, input: { action, ...id } }) => ctx.services.why.why(ctx.call, id, action)),

  data: procedure.input(ByName).query(async ({ ctx, input }) => {
    return toValuesJson(ctx.services.storage, await ctx.services.runs.data(ctx.call, input));
  }),

  actions: procedure
    .input(ByName.extend(Page.shape).extend({ parent: word("parent's name").optional() }))
    .query(async ({ ctx, input: { parent, limit, cursor, ...id } }) => {
      const query = { where: [], limit, offset: cursor };
      const rows = await ctx.services.actions.list(ctx.call, id, parent, query);
      return pageOf(rows.map(toActionJson), { limit, cursor });
    }),

  getAction: procedure.input(ByAction).query(async ({ ctx, input }) => {
    const row = await ctx.services.actions.get(ctx.call, input);
    const { childRuns } = await ctx.services.actions.details(ctx.call, [row]);
    const action = { ...toActionJson(row), childRun: childRuns.get(row.ordinal) ?? null };
    return { ...action, flyteUrls: flyteUrls(input, undefined, action.hasDeck) };
  }),

  actionData: procedure.input(ByAction).query(async ({ ctx, input }) => {
    return toValuesJson(ctx.services.storage, await ctx.services.actions.data(ctx.call, input));
  }),

  attempts: procedure.input(ByAction.extend(Page.shape)).query(async ({ ctx, input }) => {
    const query = { where: [], limit: input.limit, offset: input.cursor };
    const rows = await ctx.services.actions.listAttempts(ctx.call, input, query);
    return pageOf(
      rows.map(({ attempt }) => toAttemptJson(attempt)),
      input,
    );
  }),

  getAttempt: procedure.input(ByAttempt).query(async ({ ctx, input }) => {
    const { action, attempt } = await ctx.services.actions.getAttempt(ctx.call, input);
    const waits = attempt.phase === "queued" ? await ctx.services.why.whyAttempt(ctx.call, input) : undefined;
    return {
      ...toAttemptJson(attempt),
      taskKey: action.taskKey,
      pool: attempt.pool,
      reason: waits ?? attemptReason(attempt),
      flyteUrls: flyteUrls(input, attempt.attempt, action.deckUri !== null),
    };
  }),

  attemptData: procedure.input(ByAttempt).query(async ({ ctx, input }) => {
    return toValuesJson(ctx.services.storage, await ctx.services.actions.attemptData(ctx.call, input));
  }),

  ...mapProcedures,
  ...searchProcedures,
  ...purgeProcedures,

  /** A stretch of the log. To follow it, ask again from `nextOffset` until `isComplete` and the text is empty. */
  logs: procedure.input(ReadLogs).query(async ({ ctx, input }) => {
    const { attempt } = await ctx.services.actions.getAttempt(ctx.call, input);
    const page = await ctx.logs.read(attempt, input.offset, input.bytesMax);
    return { ...page, isComplete: isTerminalAttempt(attempt.phase) };
  }),

  /** Every change of the run and its actions until it is over; resumes after the last event that the client had. */
  watch: procedure.input(ByName.extend({ lastEventId: EventId.nullish() })).subscription(async function* ({
    ctx,
    input: { lastEventId, ...id },
    signal,
  }) {
    const ended = AbortSignal.any([ctx.head.signal, ...(signal ? [signal] : [])]);
    for await (const { cursor, run, actions } of ctx.watchRun(ctx.call, id, lastEventId ?? START_OF_RUN, ended)) {
      const update = { run: toRunJson(run), actions: actions.map(toActionJson) };
      yield tracked(`${cursor.sequence}.${cursor.ordinal}`, update);
    }
  }),
});
