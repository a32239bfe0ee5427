import {
  type ActionRow,
  type ActionWait,
  type Db,
  findTurnWait,
  type NameId,
  readActionWaits,
  readCacheHolders,
  readCompiledWorkflows,
  readOverNames,
  readPoolFill,
  readPoolLoad,
} from "@skein/db";
import { cacheAddress, isTerminalRun, waitsForPlace } from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { CompiledWorkflowClosureSchema } from "@skein/idl/core";
import type { Call } from "../../call.ts";
import type { RunView } from "../run-service.ts";
import { whyActionWaits, whyRunWaits } from "./why-waiting.ts";

/** Why one action does not run. */
export interface ActionReason {
  readonly name: string;
  readonly kind: ActionWait["kind"];
  readonly reason: string;
}

/** Why a run does not go on: what the run itself waits for, or each of its actions. */
export interface RunReasons {
  /** Null where the run goes on, or only its actions wait. */
  readonly run: string | null;
  readonly actions: readonly ActionReason[];
  /** There are more actions that wait. */
  readonly hasMore: boolean;
}

const ACTIONS_MAX = 50;

export interface WhyDependencies {
  readonly db: Db;
  readonly getRun: (call: Call, id: NameId) => Promise<RunView>;
  /** not_found where there is no such action, or none yet. */
  readonly getAction: (call: Call, id: NameId & { readonly action: string }) => Promise<ActionRow>;
}

/** Says in sentences why things wait. It reads a bounded number of rows, whatever the run's size. */
export function whyService({ db, getRun, getAction }: WhyDependencies) {
  const pool = db.$client;

  async function reasonsOf(run: RunView, waits: readonly ActionWait[]): Promise<ActionReason[]> {
    const names = [...new Set(waits.flatMap(({ pool: name }) => name ?? []))];
    const [fills, loads] = await Promise.all([
      Promise.all(names.map((name) => readPoolFill(pool, name))),
      Promise.all(names.map((name) => readPoolLoad(pool, name))),
    ]);
    return Promise.all(
      waits.map(async (action) => {
        const at = names.indexOf(action.pool ?? "");
        const load = loads[at]?.find(({ project }) => project === run.project) ?? null;
        const reason = whyActionWaits({
          run: run.name,
          project: run.project,
          action,
          waitsForPlace: run.spec.maxParallelism > 0 && waitsForPlace(action),
          maxParallelism: run.spec.maxParallelism,
          fill: fills[at] ?? null,
          load,
          cacheHolders: await holdersOf(run, action),
        });
        return { name: action.name, kind: action.kind, reason };
      }),
    );
  }

  async function holdersOf(run: RunView, { errand, taskKey }: ActionWait): Promise<string[]> {
    if (errand !== "check_cache" || taskKey === null) return [];
    return readCacheHolders(pool, run.id, cacheAddress(taskKey, ""));
  }

  /** Of a step that is not among those that wait: it has not begun, or nothing keeps it. */
  async function reasonOfOther(call: Call, run: RunView, id: NameId, name: string): Promise<ActionReason> {
    const before = await stepsBefore(run, name);
    if (before.length > 0) return { name, kind: "task", reason: `It waits for ${before.join(", ")} to end.` };
    const { kind, phase } = await getAction(call, { ...id, action: name });
    return { name, kind, reason: `It does not wait: it is ${phase}.` };
  }

  /** Steps of the run's own workflow that a step needs and that are not over. */
  async function stepsBefore({ id, workflowId }: RunView, name: string): Promise<string[]> {
    const compiled = (await readCompiledWorkflows(pool, [workflowId])).get(workflowId) ?? new Uint8Array();
    const nodes = fromBytes(CompiledWorkflowClosureSchema, compiled).primary?.template?.nodes ?? [];
    const before = nodes.find((node) => node.id === name)?.upstreamNodeIds ?? [];
    const over = new Set(before.length === 0 ? [] : await readOverNames(pool, id, before));
    return before.filter((one) => one !== START_NODE && !over.has(one));
  }

  return {
    /** Of the whole run, or of one action of it. */
    async why(call: Call, id: NameId, action?: string): Promise<RunReasons> {
      const run = await getRun(call, id);
      if (isTerminalRun(run.phase)) return { run: `It is over: it ${run.phase}.`, actions: [], hasMore: false };
      const own = whyRunWaits(run.phase, await findTurnWait(pool, run.id));
      const waits = await readActionWaits(pool, run.id, action ?? null, ACTIONS_MAX + 1);
      const actions = await reasonsOf(run, waits.slice(0, ACTIONS_MAX));
      if (action !== undefined && actions.length === 0) actions.push(await reasonOfOther(call, run, id, action));
      return { run: own, actions, hasMore: waits.length > ACTIONS_MAX };
    },

    /** Of one try that no agent has begun; undefined where its action does not wait. */
    async whyAttempt(call: Call, id: NameId & { readonly action: string }): Promise<string | undefined> {
      const run = await getRun(call, id);
      const waits = await readActionWaits(pool, run.id, id.action, 1);
      const [found] = await reasonsOf(run, waits);
      return found?.reason;
    },
  };
}

const START_NODE = "start-node";
