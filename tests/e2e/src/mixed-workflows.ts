import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import type { TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import { LiteralMapSchema, type Node, type TypedInterface } from "@skein/idl/core";
import {
  type AdminClient,
  bindInteger,
  bindIntegers,
  bindTo,
  branchOf,
  cachedTask,
  commandTask,
  echoTask,
  futuresOf,
  integerInputs,
  integerInterface,
  launchPlanNode,
  listInterface,
  mapOf,
  register,
  signalOf,
  sleepOf,
  taskNode,
  whenInput,
  withFailureNode,
  workflowOf,
} from "@skein/testing";
import { type MarkingOptions, markingTask } from "./start-marks.ts";

/** The gate that runs of the main workflow ask for an integer, and its answer. */
export const SIGNAL = { id: "go", answer: 9 };
/** Child runs, and their child runs, under one run of a workflow. */
export const CHILD_RUNS = { main: 7, waits: 2 } as const;
const CACHED = 5;
const WRITTEN = 3;
const CHILDREN = [10, 11];
const ITEMS = [0, 1, 2, 3, 4, 5, 6, 7];
const ECHO = echoTask("mix.echo");
const TAKES_X = integerInterface(["x"], ["x"]);
const NOTHING = integerInterface([], []);

/** Commands that one run of the main workflow starts at least, retries and the cached one apart. */
export const STARTS_OF_MAIN = 1 + 2 * ITEMS.length + 2 * CHILDREN.length + 2 + 3 + 1;

/** Items of maps that fail in one run of the main workflow, without failing it. */
export const FAILED_ITEMS = 2;

/** What a run of the main workflow hands out. */
export const outputsOfMain = (x: number): Readonly<Record<string, unknown>> => ({
  child: BigInt(x),
  children: CHILDREN.map(BigInt),
  answer: BigInt(SIGNAL.answer),
  cached: BigInt(CACHED),
  written: BigInt(WRITTEN),
});

/**
 * Registers workflows of every kind of node, whose commands mark their starts in `file`; what they copy lies in `folder`.
 * `<name>.main` takes `x` and asks for `SIGNAL`; `<name>.fails` fails after its failure node ran; `<name>.waits` waits
 * for ever in a child run of a child run.
 */
export async function registerMix(admin: AdminClient, name: string, file: string, folder: string): Promise<void> {
  const marking = (task: string, options: MarkingOptions = {}) => markingTask(`${name}.${task}`, file, 0.05, options);
  const copying = (from: string) => `cp ${join(folder, from)} {{.outputPrefix}}/${from}`;
  const tasks = {
    step: marking("step"),
    flaky: marking("flaky", { inputs: ["i"], retries: 3, last: '[ "$FLYTE_ATTEMPT_NUMBER" -gt 0 ]' }),
    choosy: marking("choosy", { inputs: ["i"], last: "[ $(( {{.inputs.i}} % 4 )) -ne 3 ]" }),
    broken: marking("broken", { last: "exit 3" }),
    cached: cachedTask(marking("cached", { outputs: ["x"], last: copying("outputs.pb") })),
    dynamic: commandTask(`${name}.dynamic`, ["sh", "-c", copying("futures.pb")], { outputs: ["x"] }),
  };
  const outputs = create(LiteralMapSchema, integerInputs({ x: CACHED }));
  writeFileSync(join(folder, "outputs.pb"), toBytes(LiteralMapSchema, outputs));
  writeFileSync(join(folder, "futures.pb"), writtenWorkflow(tasks.step, `${name}.leaf`));
  const leaf = workflowOf(
    `${name}.leaf`,
    [taskNode("n0", tasks.step), taskNode("n1", ECHO, [bindTo("x", "", "x")], ["n0"])],
    TAKES_X,
    [bindTo("x", "n1", "x")],
  );
  const child = workflowOf(
    `${name}.child`,
    [
      taskNode("n0", tasks.step),
      launchPlanNode("n1", `${name}.leaf`, { inputs: [bindTo("x", "", "x")], upstream: ["n0"] }),
    ],
    TAKES_X,
    [bindTo("x", "n1", "x")],
  );
  const waiting = workflowOf(`${name}.waiting`, [taskNode("n0", tasks.step), signalOf("n1", "never")], NOTHING);
  const between = workflowOf(`${name}.between`, [launchPlanNode("n0", `${name}.waiting`)], NOTHING);
  const fails = workflowOf(
    `${name}.fails`,
    [taskNode("n0", tasks.step), taskNode("n1", tasks.broken, [], ["n0"])],
    NOTHING,
  );
  await register(
    admin,
    [ECHO, ...Object.values(tasks)],
    [
      leaf,
      child,
      mainWorkflow(name, tasks),
      withFailureNode(fails, taskNode("cleanup", tasks.step)),
      waiting,
      between,
      workflowOf(`${name}.waits`, [launchPlanNode("n0", `${name}.between`)], NOTHING),
    ],
  );
}

/** What the dynamic task writes: commands one after the other, beside a child run whose output it hands out. */
function writtenWorkflow(step: TaskCreateRequest, leaf: string): Uint8Array {
  const nodes: Node[] = [
    taskNode("w0", step),
    taskNode("w1", step, [], ["w0"]),
    launchPlanNode("w2", leaf, { inputs: [bindInteger("x", WRITTEN)] }),
  ];
  return futuresOf(nodes, [step], [bindTo("x", "w2", "x")]);
}

type MainTask = "step" | "flaky" | "choosy" | "cached" | "dynamic";

function mainWorkflow(name: string, tasks: Readonly<Record<MainTask, TaskCreateRequest>>): WorkflowCreateRequest {
  const { step } = tasks;
  const items = [bindIntegers("i", ITEMS)];
  const x = [bindTo("x", "", "x")];
  const nodes: Node[] = [
    branchOf("b0", whenInput("x", "LT", 3), taskNode("small", step), taskNode("large", step), { inputs: x }),
    mapOf("m0", taskNode("item", tasks.choosy), { inputs: items, parallelism: 3, minSuccessRatio: 0.5 }),
    mapOf("m1", taskNode("item", tasks.flaky), { inputs: items }),
    mapOf("m2", launchPlanNode("item", `${name}.child`), { inputs: [bindIntegers("x", CHILDREN)] }),
    launchPlanNode("lp", `${name}.child`, { inputs: x }),
    taskNode("d0", tasks.dynamic),
    sleepOf("g0", 1),
    taskNode("n1", step, [], ["g0"]),
    signalOf("g1", SIGNAL.id),
    taskNode("n2", ECHO, [bindTo("x", "g1", "x")]),
    taskNode("c0", tasks.cached),
  ];
  return workflowOf(`${name}.main`, nodes, interfaceOfMain(), [
    bindTo("child", "lp", "x"),
    bindTo("children", "m2", "x"),
    bindTo("answer", "n2", "x"),
    bindTo("cached", "c0", "x"),
    bindTo("written", "d0", "x"),
  ]);
}

function interfaceOfMain(): TypedInterface {
  const io = integerInterface(["x"], ["child", "answer", "cached", "written"]);
  Object.assign(io.outputs?.variables ?? {}, listInterface([], ["children"]).outputs?.variables);
  return io;
}
