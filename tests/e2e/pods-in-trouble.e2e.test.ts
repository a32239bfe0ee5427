import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  BUSYBOX_IMAGE,
  commandTask,
  INSTALL_REDIS,
  integerInterface,
  launch,
  type OwnKubernetes,
  openAdminClient,
  register,
  requireKubernetes,
  requireTool,
  startOwnKubernetes,
  taskNode,
  untilOver,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/index.ts";

const isFull = process.env.SKEIN_TEST_FULL === "true";
const PODS = isFull ? 100 : 16;
/** More than a node of Kubernetes takes at a time. */
const WAVES = isFull ? 500 : 24;
const SLOTS = isFull ? 80 : 16;
/** Longer than it takes to start as many as are waited for. */
const SECONDS = isFull ? 60 : 8;
const TIMEOUT_MS = isFull ? 1_500_000 : 240_000;
const NAMESPACE = "flytesnacks-development";
const NODE = "node1";

const hasRedis = requireTool("redis-server", INSTALL_REDIS) !== undefined;
const available = requireKubernetes() && hasRedis;

describe.skipIf(!available)("while many pods are going", () => {
  let kubernetes: OwnKubernetes;
  let skein: RunningSkein;
  let admin: AdminClient;

  beforeAll(async () => {
    kubernetes = await startOwnKubernetes("trouble", "10.96");
    skein = await startSkein({
      ...{ queue: "redis", storage: "s3", apis: 1, schedulers: 1, agents: 1 },
      agentSlots: SLOTS,
      runtime: "kubernetes",
      env: { SKEIN_KUBERNETES_CONFIG: kubernetes.kubeconfig },
    });
    admin = openAdminClient(skein.url);
    const tasks = { sleeps: String(SECONDS), hurries: "0" };
    for (const [name, seconds] of Object.entries(tasks)) {
      const task = commandTask(`trouble.${name}`, ["sleep", seconds], { image: BUSYBOX_IMAGE });
      const count = name === "sleeps" ? PODS : WAVES;
      const nodes = Array.from({ length: count }, (_, at) => taskNode(`n${at}`, task));
      await register(admin, [task], [workflowOf(`trouble.${name}.all`, nodes, integerInterface([], []))]);
    }
  }, 180_000);
  afterAll(async () => {
    await skein?.close();
    await kubernetes?.close();
  }, 120_000);

  const pods = async (...words: string[]): Promise<string[]> => {
    const names = ["-o", 'jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}'];
    const listed = await kubernetes.kubectl("get", "pods", "-n", NAMESPACE, ...words, ...names);
    return listed.split("\n").filter(Boolean);
  };
  const killApiServer = async () => {
    const pid = Number(readFileSync(join(kubernetes.folder, "run/kube-apiserver.pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    await waitFor(() => !existsSync(`/proc/${pid}`), { what: "the API server to be gone" });
  };
  const untilNoPods = () =>
    waitFor(async () => (await pods()).length === 0, { what: "no pod left", timeoutMs: 120_000 });
  /** How each attempt of the run ended, and how many each of its tasks took. */
  const attempts = async (run: string): Promise<{ succeeded: number; repeated: number; open: number }> => {
    const { rows } = await skein.database.pool.query(
      `select count(*) filter (where attempts.phase = 'succeeded')::int as succeeded,
              count(*) filter (where attempts.attempt > 0)::int as repeated,
              count(*) filter (where attempts.phase not in ('succeeded', 'failed', 'aborted'))::int as open
         from attempts join runs on runs.id = attempts.run_id where runs.name = $1`,
      [run],
    );
    return rows[0];
  };
  const end = async (run: string) => {
    const { closure } = await untilOver(admin, run, TIMEOUT_MS);
    const error = closure?.outputResult.case === "error" ? closure.outputResult.value.message : undefined;
    expect({ phase: closure?.phase, error }).toEqual({ phase: WorkflowExecution_Phase.SUCCEEDED, error: undefined });
  };

  test(
    "a killed launcher and API server, a deleted pod and a cordoned node lose nothing and repeat nothing",
    async () => {
      const run = await launch(admin, "trouble.sleeps.all", {});
      const running = ["--field-selector=status.phase=Running"];
      const some = Math.min(SLOTS, PODS) / 2;
      await waitFor(async () => (await pods(...running)).length >= some, { what: "pods to run", timeoutMs: 180_000 });
      const agent = skein.agents[0];
      agent?.kill("SIGKILL");
      await agent?.exited();

      const [victim = ""] = await pods(...running);
      await kubernetes.kubectl("delete", "pod", victim, "-n", NAMESPACE, "--grace-period=0", "--force");
      await kubernetes.kubectl("cordon", NODE);
      await killApiServer();
      await agent?.start();
      await kubernetes.start();
      await kubernetes.kubectl("uncordon", NODE);

      await end(run);
      const { succeeded, repeated, open } = await attempts(run);
      expect({ succeeded, open }).toEqual({ succeeded: PODS, open: 0 });
      // The one that was deleted, unless it had ended at that very moment.
      expect(repeated).toBeLessThanOrEqual(1);
      await untilNoPods();
    },
    TIMEOUT_MS,
  );

  test(
    "more pods than fit go in waves, each once",
    async () => {
      const run = await launch(admin, "trouble.hurries.all", {});
      await end(run);
      expect(await attempts(run)).toEqual({ succeeded: WAVES, repeated: 0, open: 0 });
      await untilNoPods();
    },
    TIMEOUT_MS,
  );
});
