import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Resources_ResourceName as ResourceName, ResourcesSchema, TaskTemplateSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, promiseOf, runsTask, testId } from "../../test/closures.ts";
import { dump } from "../../test/laws.ts";
import { Stage } from "../../test/stage.ts";
import { checkTask } from "../compile/check-task.ts";
import { grownMemory, growthsOf, parseMemoryGrowth } from "../memory-growth.ts";
import { restoreRun } from "../restore.ts";
import type { EngineLimits } from "../run-limits.ts";
import { grownResources } from "../targets/asked-resources.ts";
import { taskMemory } from "../targets/task-memory.ts";

type TemplateInit = Exclude<MessageInitShape<typeof TaskTemplateSchema>, { $typeName: string }>;
const NAME = "skein.dev/memory-on-oom";
const memory = (request: string, limit?: string) => ({
  requests: [{ name: ResourceName.MEMORY, value: request }],
  limits: limit === undefined ? [] : [{ name: ResourceName.MEMORY, value: limit }],
});
const template = (init: TemplateInit) => create(TaskTemplateSchema, init);

function one(init: TemplateInit, limits: Partial<EngineLimits> = {}, retries = 0): Stage {
  const task = { id: testId("hungry"), type: "python-task", ...init };
  const nodes = { n0: { inputs: { x: promiseOf("") }, retries, target: runsTask("hungry") } };
  const stage = new Stage(closureOf({ nodes }, [], [task]), {}, null, limits);
  stage.start();
  return stage;
}

/** Fires the back-off if there is one, and tells that the attempt ran out of memory. */
function runsOut(stage: Stage): void {
  const restored = restoreRun(stage.program, stage.stored(), stage.policy);
  expect(dump(restored)).toEqual(dump(stage.run));
  stage.run = restored;
  if (stage.timers.size > 0) stage.fire("n0");
  stage.started("n0");
  stage.failed("n0", { code: "OOMKilled", message: "killed", recoverable: true });
}

const container = (resources: ReturnType<typeof memory>, said?: string): TemplateInit => ({
  target: { case: "container", value: { resources, config: said === undefined ? [] : [{ key: NAME, value: said }] } },
});

test("a task that ran out of memory is tried with more until it has all that is allowed, without a retry of its own", () => {
  const stage = one(container(memory("100Mi", "200Mi"), "x2 max 700Mi"));
  runsOut(stage);
  expect(stage.action("n0")).toMatchObject({ phase: "queued", attempts: 1, userFailures: 0, systemFailures: 0 });
  expect(stage.attempt("n0").failure?.message).toBe(`killed\nIt had 200 MiB. The next attempt gets 400 MiB (${NAME}).`);
  runsOut(stage);
  expect(stage.attempt("n0").failure?.message).toContain("It had 400 MiB. The next attempt gets 700 MiB");
  stage.fire("n0");
  expect(growthsOf(stage.action("n0"))).toBe(2);
  runsOut(stage);
  expect(stage.action("n0")).toMatchObject({ attempts: 3, userFailures: 1 });
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "RetriesExhausted|OOMKilled" } });
});

test("a loss of the agent between two growths changes nothing of the memory", () => {
  const stage = one(container(memory("100Mi"), "x2 max 1Gi"));
  runsOut(stage);
  stage.fire("n0");
  stage.lost("n0");
  stage.fire("n0");
  expect(stage.action("n0")).toMatchObject({ attempts: 3, systemFailures: 1 });
  expect(growthsOf(stage.action("n0"))).toBe(1);
});

test("the run's word beats the task's, and off forbids it", () => {
  const growth = parseMemoryGrowth("x3 max 1Gi") ?? null;
  const stage = one(container(memory("100Mi")), { memoryGrowth: growth });
  runsOut(stage);
  expect(stage.attempt("n0").failure?.message).toContain("The next attempt gets 300 MiB");
  const off = parseMemoryGrowth("off") ?? null;
  const forbidden = one(container(memory("100Mi"), "x2 max 1Gi"), { memoryGrowth: off });
  runsOut(forbidden);
  expect(forbidden.runRow.phase).toBe("failed");
});

test("where nothing may grow, running out of memory spends the task's own retries", () => {
  for (const init of [container(memory("100Mi")), container({ requests: [], limits: [] }, "x2 max 1Gi"), {}]) {
    const stage = one(init, {}, 1);
    runsOut(stage);
    expect(stage.action("n0")).toMatchObject({ phase: "queued", userFailures: 1 });
    runsOut(stage);
    expect(stage.runRow.phase).toBe("failed");
  }
});

test.each([
  ["x2 max 16Gi", { factor: 2, maxMiB: 16_384 }],
  [" x1.5  max 512Mi ", { factor: 1.5, maxMiB: 512 }],
  ["off", { factor: 1, maxMiB: 0 }],
  ["x1 max 1Gi", undefined],
  ["x11 max 1Gi", undefined],
  ["x2 max much", undefined],
  ["x2 max 1k", undefined],
  ["x2", undefined],
  ["", undefined],
])("%j is read as %j", (text, growth) => {
  expect(parseMemoryGrowth(text)).toEqual(growth);
});

test("memory grows by the factor and never shrinks", () => {
  const growth = { factor: 1.5, maxMiB: 1_000 };
  expect([0, 1, 2, 9].map((times) => grownMemory(333, growth, times))).toEqual([333, 500, 750, 1_000]);
  expect(grownMemory(2_000, growth, 3)).toBe(2_000);
  const asked = { cpuMillis: 500, memoryMiB: 100, gpus: 0 };
  expect(grownResources(asked, growth, 1)).toEqual({ ...asked, memoryMiB: 150 });
  expect([grownResources(asked, null, 1), grownResources(asked, growth, 0)]).toEqual([asked, asked]);
  const bare = { ...asked, memoryMiB: 0 };
  expect(grownResources(bare, growth, 3)).toEqual(bare);
});

test("what a task says of its memory is found in its container, its config or its pod", () => {
  const said = { [NAME]: "x2 max 1Gi" };
  const growth = { factor: 2, maxMiB: 1_024 };
  expect(taskMemory(template(container(memory("1Gi", "0"), "x2 max 1Gi")), undefined)).toEqual({
    limitMiB: 1_024,
    growth,
  });
  expect(taskMemory(template({ config: said }), undefined)).toEqual({ limitMiB: 0, growth });
  const overrides = create(ResourcesSchema, memory("2Gi", "odd"));
  expect(taskMemory(template({}), overrides)).toEqual({ limitMiB: 2_048, growth: null });
  expect(taskMemory(template({}), undefined)).toBeUndefined();
  const pod = (containers: object[], name?: string): TemplateInit => ({
    config: name === undefined ? {} : { primary_container_name: name },
    target: { case: "k8sPod", value: { metadata: { annotations: said }, podSpec: { containers } as never } },
  });
  const box = (name: string, amount: string) => ({ name, resources: { limits: { memory: amount } } });
  expect(taskMemory(template(pod([box("other", "9Gi"), box("primary", "1500M")])), undefined)).toEqual({
    limitMiB: 1_431,
    growth,
  });
  expect(taskMemory(template(pod([box("main", "1Mi"), box("primary", "9Gi")], "main")), undefined)?.limitMiB).toBe(1);
  expect(taskMemory(template({ target: { case: "k8sPod", value: {} } }), undefined)).toBeUndefined();
  expect(taskMemory(template(pod([])), overrides)).toEqual({ limitMiB: 2_048, growth });
  expect(taskMemory(template(container(memory("1Gi"), "double")), undefined)).toEqual({
    limitMiB: 1_024,
    growth: null,
  });
});

test("a task that says it wrong is refused", () => {
  const wrong = template({ type: "t", interface: {}, config: { [NAME]: "double" } });
  expect(checkTask(wrong)).toEqual([
    expect.stringMatching(/^template: skein.dev\/memory-on-oom is "double", but must be "x<factor> max <quantity>"/),
  ]);
  expect(checkTask(template({ type: "t", interface: {}, config: { [NAME]: "off" } }))).toEqual([]);
});
