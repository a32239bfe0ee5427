import { SkeinError } from "@skein/errors";

/** A run by the names that Flyte's REST API uses. */
export interface RunName {
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}

export interface ActionState {
  readonly id: string;
  readonly phase: string;
}

/** The few calls of Flyte's REST API that the demo makes, as any HTTP client can. */
export interface FlyteRest {
  createCommandTask(task: {
    readonly run: Omit<RunName, "name">;
    readonly name: string;
    readonly command: readonly string[];
  }): Promise<void>;
  launchTask(run: Omit<RunName, "name">, task: string): Promise<RunName>;
  phaseOf(run: RunName): Promise<{ readonly phase: string; readonly error: string | undefined }>;
  actionsOf(run: RunName): Promise<ActionState[]>;
  /** Output name → value as text. */
  outputsOf(run: RunName): Promise<Record<string, string>>;
}

const TASK_VERSION = "1";

export function openFlyteRest(url: string): FlyteRest {
  const call = async <T>(path: string, body?: unknown): Promise<T> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`${url}/api/v1${path}`, { ...init, headers: { "content-type": "application/json" } });
    if (answer.ok) return (await answer.json()) as T;
    throw new SkeinError("internal", "rest_call_failed", `${path} answered ${answer.status}: ${await answer.text()}`);
  };
  const pathOf = (run: RunName) => `${run.project}/${run.domain}/${run.name}`;
  return {
    createCommandTask: async ({ run, name, command }) => {
      const id = { resource_type: "TASK", ...run, name, version: TASK_VERSION };
      const template = { id, type: "raw-container", interface: {}, container: { image: "busybox", command } };
      await call("/tasks", { id, spec: { template } });
    },
    launchTask: async (run, task) => {
      const launchPlan = { resource_type: "TASK", ...run, name: task, version: TASK_VERSION };
      const spec = { launch_plan: launchPlan, metadata: { mode: "MANUAL" } };
      return (await call<{ id: RunName }>("/executions", { ...run, spec })).id;
    },
    phaseOf: async (run) => {
      const { closure } = await call<ExecutionAnswer>(`/executions/${pathOf(run)}`);
      return { phase: closure.phase, error: closure.error?.message };
    },
    actionsOf: async (run) => {
      const { node_executions } = await call<NodesAnswer>(`/node_executions/${pathOf(run)}?limit=100`);
      const isOwn = (id: string) => id !== "start-node" && id !== "end-node";
      return node_executions.map((n) => ({ id: n.id.node_id, phase: n.closure.phase })).filter(({ id }) => isOwn(id));
    },
    outputsOf: async (run) => {
      const { full_outputs } = await call<DataAnswer>(`/data/executions/${pathOf(run)}`);
      const entries = Object.entries(full_outputs?.literals ?? {});
      return Object.fromEntries(entries.map(([name, literal]) => [name, textOf(literal)]));
    },
  };
}

interface ExecutionAnswer {
  readonly closure: { readonly phase: string; readonly error?: { readonly message: string } };
}
interface NodesAnswer {
  readonly node_executions: readonly {
    readonly id: { readonly node_id: string };
    readonly closure: { readonly phase: string };
  }[];
}
interface Literal {
  readonly scalar?: { readonly primitive?: Readonly<Record<string, string>> };
}
interface DataAnswer {
  readonly full_outputs?: { readonly literals?: Readonly<Record<string, Literal>> };
}

/** A primitive's only field is its value; anything else is shown as JSON. */
function textOf(literal: Literal): string {
  const [value] = Object.values(literal.scalar?.primitive ?? {});
  return value ?? JSON.stringify(literal);
}
