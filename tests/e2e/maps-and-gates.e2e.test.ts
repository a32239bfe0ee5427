import { NodeExecution_Phase, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import { type AdminClient, openAdminClient, TEST_TENANT, untilOver, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  type LaunchInput,
  nodesOf,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
// Many runs share two cores here: the last of them waits for all others.
const RUN_TIMEOUT_MS = 240_000;
vi.setConfig({ testTimeout: RUN_TIMEOUT_MS + 30_000 });
const { SUCCEEDED, FAILED } = WorkflowExecution_Phase;

/** The most of the given [start, end] that hold at one moment. */
const mostAtOnce = (spans: readonly (readonly [number, number])[]): number =>
  Math.max(...spans.map(([at]) => spans.filter(([start, end]) => start <= at && at < end).length));

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "postgres", storage: "file" }))(
  "maps, gates and eager workflows, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      // More slots than the map may use at once.
      skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 4 });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
      await clients.register(...["maps", "gates", "eager_flows"].map((name) => `composition/${name}.py`));
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });

    type Inputs = Readonly<Record<string, LaunchInput>>;
    const launch = (plan: string, inputs: Inputs = {}) => clients.launch(`composition.${plan}`, inputs);
    async function outcome(name: string) {
      const closure = (await untilOver(admin, name, RUN_TIMEOUT_MS)).closure;
      const error = closure?.outputResult.case === "error" ? closure.outputResult.value : undefined;
      return { name, phase: closure?.phase, error, outputs: error ? {} : await outputsWhenOver(admin, name) };
    }
    const run = async (plan: string, inputs: Inputs = {}) => outcome(await launch(plan, inputs));
    const python = async (code: string): Promise<unknown> => (await clients.remote()).run(code);

    /** Phase and tries of each item of a map, as clients read them. */
    async function itemsOf(name: string, nodeId = "n0") {
      const { taskExecutions } = await admin.listTaskExecutions({
        nodeExecutionId: { nodeId, executionId: { ...TEST_TENANT, name } },
        limit: 10,
      });
      expect(taskExecutions).toHaveLength(1);
      return (taskExecutions[0]?.closure?.metadata?.externalResources ?? [])
        .map(({ index, phase, retryAttempt }) => ({ index, phase, retryAttempt }))
        .toSorted((one, other) => one.index - other.index);
    }
    /** Waits until a run asks for a signal. */
    const untilAsked = (name: string, signal: string) =>
      waitFor(
        async () => {
          const ids = await python(`result = [s.id.signal_id for s in remote.list_signals("${name}")]`);
          return (ids as string[]).includes(signal);
        },
        { timeoutMs: RUN_TIMEOUT_MS, what: `${name} to ask for ${signal}` },
      );

    test.concurrent("C6.53 maps over one list, with bound inputs, with a bound output and over two lists", async () => {
      const runs = await Promise.all(
        ["one_list", "with_bound_inputs", "with_bound_output", "two_lists"].map((plan) => run(`maps.${plan}`)),
      );
      expect(runs.map(({ outputs }) => outputs.o0)).toEqual([
        [false, true, false, true],
        [1.5, 3, 4.5],
        [2, 4, 6],
        [1, 4, 0.75],
      ]);
      const name = runs[0]?.name ?? "";
      expect((await nodesOf(admin, name)).find(({ id }) => id === "n0")).toMatchObject({ isArray: true });
      expect((await itemsOf(name)).map(({ index, phase }) => [index, phase])).toEqual(
        [0, 1, 2, 3].map((index) => [index, TaskExecution_Phase.SUCCEEDED]),
      );
      const synced = await python(`
      run = remote.sync_execution(remote.fetch_execution(name="${name}"), sync_nodes=True)
      result = [run.is_done, run.outputs.get("o0"), sorted(run.node_executions)]
    `);
      expect(synced).toEqual([true, [false, true, false, true], ["end-node", "n0", "start-node"]]);
    });

    test.concurrent("C6.54 a map runs no more items at once than it may, and lets some of them fail", async () => {
      const inputs = { numbers: [0, 1, 2, 3, 4, 5], seconds: 0.5 };
      const { name, outputs, error } = await run("maps.some_may_fail", inputs);
      expect(error).toBeUndefined();
      const items = outputs.o0 as (readonly [number, number] | null)[];
      expect(items.map((span) => span === null)).toEqual([false, true, false, true, false, true]);
      const { SUCCEEDED, FAILED } = TaskExecution_Phase;
      expect((await itemsOf(name)).map(({ phase }) => phase)).toEqual([0, 1, 2].flatMap(() => [SUCCEEDED, FAILED]));
      expect(mostAtOnce(items.flatMap((span) => (span ? [span] : [])))).toBeLessThanOrEqual(2);
    });

    test.concurrent("C6.54 a map fails when more items fail than may", async () => {
      const { phase, error } = await run("maps.none_may_fail", { numbers: [0, 1], seconds: 0.5 });
      expect(phase).toBe(FAILED);
      expect(error?.message).toContain("1 is odd");
    });

    test.concurrent("an item of a map is tried again by itself", async () => {
      const { name, outputs } = await run("maps.with_retries");
      expect(outputs).toEqual({ o0: [0n, 1n] });
      expect((await itemsOf(name)).map(({ index, retryAttempt }) => [index, retryAttempt])).toEqual(
        expect.arrayContaining([
          [0, 0],
          [1, 1],
        ]),
      );
    });

    test.concurrent("a map over a launch plan starts a run for each item", async () => {
      const { name, outputs } = await run("maps.over_a_plan");
      expect(outputs).toEqual({ o0: [2n, 4n] });
      const { executions } = await admin.listExecutions({
        id: TEST_TENANT,
        limit: 10,
        filters: "eq(launch_plan.name,maps.doubling_plan)",
      });
      expect(executions.map(({ closure }) => closure?.phase)).toEqual([SUCCEEDED, SUCCEEDED]);
      for (const { spec } of executions) {
        expect(spec?.metadata?.parentNodeExecution?.executionId?.name).toBe(name);
      }
    });

    test.concurrent("C6.57 a sleep takes its time", async () => {
      const name = await launch("gates.napping", { number: 4 });
      const { closure } = await untilOver(admin, name);
      expect(Number(closure?.duration?.seconds)).toBeGreaterThanOrEqual(10);
      expect(await outputsWhenOver(admin, name)).toEqual({ o0: 4n });
    });

    test.concurrent("C6.58 a value that somebody gives lets a run go on; a wrong one is refused", async () => {
      const name = await launch("gates.titled", { weights: [1.5, 2.5] });
      await untilAsked(name, "title");
      const refusal = (call: string) =>
        python(`
        try:
          remote.${call}
          result = "accepted"
        except Exception as error:
          result = type(error).__name__
      `);
      expect(await refusal(`set_input("title", "${name}", 5, python_type=int)`)).toBe("FlyteInvalidInputException");
      expect(await refusal(`set_input("no-such-gate", "${name}", "x")`)).toBe("FlyteInvalidInputException");
      await python(`remote.set_input("title", "${name}", "geese", python_type=str)`);
      expect(await outputsWhenOver(admin, name)).toEqual({ o0: { title: "geese", heaviest: "2.5", total: "4.0" } });
    });

    test.concurrent("C6.59 an approval lets a run succeed, a rejection fails it", async () => {
      const [accepted = "", rejected = ""] = await Promise.all(
        [0, 1].map(() => launch("gates.approved", { weights: [1.5] })),
      );
      for (const name of [accepted, rejected]) {
        await untilAsked(name, "title");
        const early = python(`remote.approve("publish", "${name}")`);
        await expect(early).rejects.toMatchObject({ name: "FlyteInvalidInputException" });
        await python(`remote.set_input("title", "${name}", "geese", python_type=str)`);
      }
      await Promise.all([accepted, rejected].map((name) => untilAsked(name, "publish")));
      await python(`remote.approve("publish", "${accepted}")`);
      await python(`remote.reject("publish", "${rejected}")`);
      expect(await outcome(accepted)).toMatchObject({ phase: SUCCEEDED, outputs: { o0: { title: "geese" } } });
      const { phase, error } = await outcome(rejected);
      expect(phase).toBe(FAILED);
      expect(error?.code).toContain("ReceivedRejectSignal");
    });

    test.concurrent("an approved value goes on to the next task, and an answer decides a conditional", async () => {
      const [midway = "", kept = "", dropped = ""] = await Promise.all(
        ["approved_midway", "kept_if_wanted", "kept_if_wanted"].map((plan) =>
          launch(`gates.${plan}`, { weights: [1.5] }),
        ),
      );
      await untilAsked(midway, "weights-are-right");
      await python(`remote.approve("weights-are-right", "${midway}")`);
      for (const [name, answer] of [
        [kept, "True"],
        [dropped, "False"],
      ]) {
        await untilAsked(name ?? "", "wanted");
        await python(`remote.set_input("wanted", "${name}", ${answer}, python_type=bool)`);
      }
      for (const name of [midway, kept, dropped]) {
        await untilAsked(name, "title");
        await python(`remote.set_input("title", "${name}", "geese", python_type=str)`);
      }
      const labelled = { o0: { title: "geese", heaviest: "1.5", total: "1.5" } };
      expect((await outcome(midway)).outputs).toEqual(labelled);
      expect((await outcome(kept)).outputs).toEqual(labelled);
      expect((await outcome(dropped)).outputs).toEqual({ o0: { discarded: "yes" } });
    });

    test.concurrent("a gate that waits too long fails", async () => {
      const { phase, error } = await run("gates.impatient");
      expect(phase, error?.message).toBe(FAILED);
      expect(error?.code).toContain("Timeout");
    });

    test.concurrent("C6.60 eager workflows run their steps as runs of their own", async () => {
      const cases: [string, number, bigint][] = [
        ["two_steps", 4, 15n],
        ["between_steps", 4, 9n],
        ["deciding", 60, 50n],
        ["gathering", 2, 9n],
        ["with_workflow", 4, 15n],
        ["with_inner", 1, 6n],
        ["catching", -1, -1n],
      ];
      const runs = await Promise.all(cases.map(([plan, x]) => run(`eager_flows.${plan}`, { x })));
      const seen = runs.map(({ outputs, error }, index) => [...(cases[index] ?? []).slice(0, 2), outputs.o0 ?? error]);
      expect(seen).toEqual(cases);
      const { executions } = await admin.listExecutions({
        id: TEST_TENANT,
        limit: 10,
        filters: `value_in(execution_tag.key,eager-exec)+value_in(execution_tag.value,${runs[0]?.name})`,
      });
      expect(executions.map(({ closure }) => closure?.phase)).toEqual([SUCCEEDED, SUCCEEDED]);
    });

    test.concurrent("C6.60 an eager workflow that fails ends the steps that still run", async () => {
      const { name, phase } = await run("eager_flows.abandoning", { x: -1 });
      expect(phase).toBe(FAILED);
      const { executions } = await admin.listExecutions({
        id: TEST_TENANT,
        limit: 10,
        filters: `value_in(execution_tag.key,eager-exec)+value_in(execution_tag.value,${name})`,
      });
      const slow = executions.find(({ spec }) => spec?.launchPlan?.name === "composition.eager_flows.slow");
      const over = await untilOver(admin, slow?.id?.name ?? "");
      expect(over.closure?.phase).toBe(WorkflowExecution_Phase.ABORTED);
      const cleanup = (await nodesOf(admin, name)).find(({ id }) => id.endsWith("efn"));
      expect(cleanup?.phase).toBe(NodeExecution_Phase.SUCCEEDED);
    });
  },
);
