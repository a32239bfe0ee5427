import { ExecutionMetadata_ExecutionMode } from "@skein/idl/admin";
import { NodeExecution_Phase, ResourceType, WorkflowExecution_Phase } from "@skein/idl/core";
import { type AdminClient, openAdminClient, TEST_TENANT, testId, untilOver } from "@skein/testing";
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
  type SeenNode,
  shown,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const { SUCCEEDED, FAILED, SKIPPED } = NodeExecution_Phase;
// Many runs share two cores here: the last of them waits for all others.
const RUN_TIMEOUT_MS = 240_000;
vi.setConfig({ testTimeout: RUN_TIMEOUT_MS + 30_000 });

/** Workflow of branches.py, inputs, value. `pyflyte run` gives the same without a server. */
const BRANCHES: readonly (readonly [string, Readonly<Record<string, LaunchInput>>, unknown])[] = [
  ["two_ways", { side: 0.5 }, 2],
  ["two_ways", { side: 1.5 }, 2.25],
  ["many_ways", { side: 2.25 }, 5.0625],
  ["many_ways", { side: 3.5 }, 12.25],
  ["used_later", { side: 0.5 }, 4],
  ["by_finding", {}, -1n],
  ["by_flag", { flag: true }, 1n],
  ["nested", { side: 0.4 }, 1.6],
  ["nested", { side: 0.6 }, 0.36],
  ["by_finding_and_input", { side: 0.5 }, 0.25],
  ["by_finding_and_input", { side: 0.5, number: 4 }, 2],
  ["left_alone", { side: 0.5 }, 0.5],
];

const byId = (nodes: readonly SeenNode[]): Record<string, SeenNode> =>
  Object.fromEntries(nodes.map((node) => [node.id, node]));
const bySpec = (nodes: readonly SeenNode[], specId: string): SeenNode => {
  const found = nodes.find((node) => node.specId === specId);
  if (!found) throw new Error(`no node ${specId} among ${JSON.stringify(nodes.map((node) => node.specId))}`);
  return found;
};

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "postgres", storage: "file" }))(
  "control flow, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 3 });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
      const modules = ["branches", "chains", "nesting", "dynamics", "decorated", "cleanups", "documented"];
      await clients.register(...modules.map((name) => `composition/${name}.py`));
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });

    const launch = (plan: string, inputs: Readonly<Record<string, LaunchInput>> = {}) =>
      clients.launch(`composition.${plan}`, inputs);
    /** Runs to the end; answers the name and how it ended. */
    async function run(plan: string, inputs: Readonly<Record<string, LaunchInput>> = {}) {
      const name = await launch(plan, inputs);
      const closure = (await untilOver(admin, name, RUN_TIMEOUT_MS)).closure;
      const error = closure?.outputResult.case === "error" ? closure.outputResult.value : undefined;
      return { name, phase: closure?.phase, error, outputs: error ? {} : await outputsWhenOver(admin, name) };
    }
    /** Ids of all nodes that FlyteRemote finds in a run, with what it followed into child runs. */
    const synced = async (name: string): Promise<unknown> =>
      (await clients.remote()).run(`
      run = remote.sync_execution(remote.fetch_execution(name="${name}"), sync_nodes=True)
      result = {
        "done": run.is_done,
        "nodes": sorted(run.node_executions),
        "inside": {key: sorted(node.subworkflow_node_executions or {}) for key, node in run.node_executions.items()
          if node.subworkflow_node_executions},
        "runs": {key: [sorted(child.node_executions) for child in node.workflow_executions]
          for key, node in run.node_executions.items() if node.workflow_executions},
      }
    `);

    test.concurrent("C6.50 every conditional takes the way that Python would take", async () => {
      const runs = await Promise.all(BRANCHES.map(([plan, inputs]) => run(`branches.${plan}`, inputs)));
      const seen = runs.map(({ outputs, error }, index) => [
        ...(BRANCHES[index] ?? []).slice(0, 2),
        outputs.o0 ?? error,
      ]);
      expect(seen).toEqual(BRANCHES);

      const nested = runs[7]?.name ?? "";
      const top = await nodesOf(admin, nested);
      expect(top.map(({ id, phase }) => [id, phase])).toEqual(
        expect.arrayContaining([
          ["n0", SUCCEEDED],
          ["start-node", SUCCEEDED],
          ["end-node", SUCCEEDED],
        ]),
      );
      expect(top).toHaveLength(3);
      const inner = await nodesOf(admin, nested, "n0");
      const taken = inner.filter(({ phase }) => phase !== SKIPPED);
      expect(taken.map(({ phase }) => phase)).toEqual([SUCCEEDED]);
      const innermost = await nodesOf(admin, nested, taken[0]?.id ?? "");
      expect(innermost.filter(({ phase }) => phase !== SKIPPED).map(({ phase }) => phase)).toEqual([SUCCEEDED]);
      expect(await synced(nested)).toMatchObject({ done: true, nodes: ["end-node", "n0", "start-node"] });
    });

    test.concurrent("C5.49 a conditional that nothing satisfies fails in the author's words", async () => {
      const [outer, inner] = await Promise.all([
        run("branches.many_ways", { side: 2.5 }),
        run("branches.nested", { side: 0.95 }),
      ]);
      expect(outer.phase).toBe(WorkflowExecution_Phase.FAILED);
      expect(outer.error).toMatchObject({ code: "UserProvidedError", message: "A side must lie between 0 and 4." });
      expect(inner.error).toMatchObject({ message: "The inner conditional refuses 0.9 and more." });
      const nodes = await nodesOf(admin, outer.name);
      expect(bySpec(nodes, "n0").phase).toBe(FAILED);
    });

    test.concurrent("C6.51 sub-workflows run inside the run, and clients see the nesting", async () => {
      const [one, two] = await Promise.all([run("nesting.placed"), run("nesting.placed_deeper")]);
      expect([one.outputs, two.outputs]).toEqual([{ o0: 0.375 }, { o0: 0.375 }]);
      const parent = bySpec(await nodesOf(admin, one.name), "n0");
      expect(parent).toMatchObject({ phase: SUCCEEDED, isParent: true });
      const children = await nodesOf(admin, one.name, "n0");
      expect(byId(children)).toMatchObject({ "n0-0-n0": { phase: SUCCEEDED }, "n0-0-n1": { phase: SUCCEEDED } });
      const { stdout } = await clients.flytectl("get", "execution", two.name, "--details");
      for (const id of ["n0", "n0-0-n0", "n0-0-n0-0-n1"]) expect(stdout).toContain(`${id} - SUCCEEDED`);
      expect(await synced(one.name)).toMatchObject({ done: true, inside: { n0: expect.arrayContaining(["n0-0-n1"]) } });
    });

    test.concurrent("C6.52 a launch plan inside a workflow starts a run of its own", async () => {
      const parent = await run("nesting.placed_elsewhere");
      expect(parent.outputs).toEqual({ o0: 1 });
      const node = bySpec(await nodesOf(admin, parent.name), "n0");
      expect(node).toMatchObject({ phase: SUCCEEDED, isParent: false, childRun: expect.any(String) });
      const child = await admin.getExecution({ id: { ...TEST_TENANT, name: node.childRun ?? "" } });
      expect(child.closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
      expect(child.spec?.launchPlan?.name).toBe("nesting.elsewhere");
      expect(child.spec?.metadata).toMatchObject({
        mode: ExecutionMetadata_ExecutionMode.CHILD_WORKFLOW,
        nesting: 1,
        parentNodeExecution: { nodeId: "n0", executionId: { name: parent.name } },
      });
      expect(await synced(parent.name)).toMatchObject({ runs: { n0: [expect.arrayContaining(["n0", "n1"])] } });
    });

    test.concurrent("C6.56 chained tasks, workflows and launch plans start in the order of their chain", async () => {
      const runs = await Promise.all(
        ["chained_tasks", "chained_workflows", "chained_plans"].map((plan) => run(`chains.${plan}`)),
      );
      expect(runs.map(({ phase }) => phase)).toEqual(Array(3).fill(WorkflowExecution_Phase.SUCCEEDED));
      // Each workflow names its steps from the last to the first.
      for (const { name } of runs) {
        const steps = (await nodesOf(admin, name)).filter(({ id }) => /^n\d$/.test(id));
        const inTime = steps.toSorted((one, other) => one.startedAtMs - other.startedAtMs).map(({ id }) => id);
        expect(inTime).toEqual(
          steps
            .map(({ id }) => id)
            .toSorted()
            .reverse(),
        );
        expect(new Set(steps.map(({ startedAtMs }) => startedAtMs)).size).toBe(steps.length);
      }
      const children = (await nodesOf(admin, runs[2]?.name ?? "")).filter(({ childRun }) => childRun !== undefined);
      expect(children).toHaveLength(2);
    });

    test.concurrent("C6.55 a dynamic task's graph runs inside it, and is shown", async () => {
      const { name, outputs } = await run("dynamics.common_letters", { one: "Ox", other: "Fox" });
      expect(outputs).toEqual({ o0: 2n });
      const parent = bySpec(await nodesOf(admin, name), "n0");
      expect(parent).toMatchObject({ phase: SUCCEEDED, isDynamic: true, isParent: true });
      const children = (await nodesOf(admin, name, "n0")).filter(({ specId }) => !/^(start|end)-node$/.test(specId));
      // Two per letter, and one that compares.
      expect(children).toHaveLength(11);
      expect(children.every(({ phase }) => phase === SUCCEEDED)).toBe(true);
      const id = { nodeId: "n0", executionId: { ...TEST_TENANT, name } };
      const { dynamicWorkflow } = await admin.getNodeExecutionData({ id });
      const steps = dynamicWorkflow?.compiledWorkflow?.primary?.template?.nodes.filter((node) =>
        node.id.startsWith("dn"),
      );
      expect(steps).toHaveLength(11);
      expect(await synced(name)).toMatchObject({ done: true, nodes: ["end-node", "n0", "start-node"] });
    });

    test.concurrent("C6.55 a merge sort calls itself through conditionals and dynamic tasks", async () => {
      const { outputs, error } = await run("dynamics.sorting", { numbers: [5, 3, 4, 1, 2], size: 5 });
      expect(outputs, error?.message).toEqual({ o0: [1n, 2n, 3n, 4n, 5n] });
    });

    test.concurrent("decorators around tasks and around a workflow take effect", async () => {
      const [tasks, workflow] = await Promise.all([
        run("decorated.decorated_tasks", { x: 1 }),
        run("decorated.decorated_workflow", { x: 4.5 }),
      ]);
      expect(tasks.outputs).toEqual({ o0: 12n });
      expect(workflow.outputs).toEqual({ o0: 11.390625 });
      const nodes = byId(await nodesOf(admin, workflow.name));
      const inTime = ["n0", "n1", "n2", "n3"].map((id) => nodes[id]?.startedAtMs ?? 0);
      expect(inTime).toEqual(inTime.toSorted((one, other) => one - other));
      expect(nodes.n3?.phase).toBe(SUCCEEDED);
    });

    test.concurrent("a module that runs workflows when imported has its launch plans and docstrings", async () => {
      const styles = ["sphinx", "numpy", "google"];
      const entities = await Promise.all(
        styles.map((style) =>
          admin.getDescriptionEntity({
            id: testId(ResourceType.WORKFLOW, `composition.documented.in_${style}_style`, "v1"),
          }),
        ),
      );
      const styled = ["Sphinx", "NumPy", "Google"].map((style) => `Adds in the style of ${style}`);
      expect(entities.map(({ shortDescription }) => shortDescription)).toEqual(styled);
      const names = await Promise.all([
        clients.launch("composition.documented.in_google_style"),
        clients.launch("documented.all_given"),
        clients.launch("documented.one_fixed", { factor: 3 }),
      ]);
      const outputs = await Promise.all(names.map((name) => outputsWhenOver(admin, name)));
      expect(outputs).toEqual([{ o0: 6n }, { o0: 35n }, { o0: 21n }]);
    });

    test.concurrent("C5.47 a failure node runs after a failure, in a workflow and in the one around it", async () => {
      const { name, phase, error } = await run("cleanups.two_nests");
      expect(phase).toBe(WorkflowExecution_Phase.FAILED);
      expect(error?.message).toContain("2 eggs broke");
      const nodes = await nodesOf(admin, name);
      const cleanup = nodes.find(({ id }) => id === "fn0");
      expect(cleanup?.phase, shown(nodes)).toBe(SUCCEEDED);
      const steps = nodes.filter(({ id }) => /^n\d$/.test(id));
      // The sub-workflow fails first or last; what does not depend on it goes on under this policy.
      expect(steps.map(({ id, phase }) => [id, phase])).toEqual(
        expect.arrayContaining([
          ["n0", FAILED],
          ["n1", SUCCEEDED],
          ["n2", FAILED],
        ]),
      );
      for (const step of steps.filter(({ startedAtMs }) => !Number.isNaN(startedAtMs))) {
        expect(cleanup?.startedAtMs).toBeGreaterThan(step.startedAtMs);
      }
      const inside = await nodesOf(admin, name, "n0");
      expect(inside.find(({ specId }) => specId === "fn0")?.phase, shown(inside)).toBe(SUCCEEDED);
      const { fullInputs } = await admin.getNodeExecutionData({
        id: { nodeId: cleanup?.id ?? "", executionId: { ...TEST_TENANT, name } },
      });
      expect(shown(fullInputs?.literals.err)).toContain("2 eggs broke");
    });

    test.concurrent("C5.48 a failure workflow runs after a failure", async () => {
      const { name, phase, error } = await run("cleanups.tidied_by_workflow");
      expect(phase).toBe(WorkflowExecution_Phase.FAILED);
      expect(error?.message).toContain("2 eggs broke");
      const cleanup = (await nodesOf(admin, name)).find(({ id }) => id === "fn0");
      expect(cleanup?.phase).toBe(SUCCEEDED);
      const inside = await nodesOf(admin, name, cleanup?.id ?? "");
      expect(inside.find(({ specId }) => specId === "n0")?.phase, shown(inside)).toBe(SUCCEEDED);
    });
  },
);
