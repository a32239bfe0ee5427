import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import {
  type CompiledWorkflowClosure,
  type Literal,
  LiteralMapSchema,
  type LiteralType,
  SimpleType,
  type TypedInterface,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { compileWorkflow } from "../src/index.ts";
import { fixture, fixtureNames } from "./fixtures.ts";
import { integer, list, map, nothing, text } from "./literals.ts";
import { type AnyEvent, Stage } from "./stage.ts";

/** Some value of a type, as a task would hand it out. */
function sampleOf({ type }: LiteralType): Literal {
  if (type.case === "collectionType") return list(sampleOf(type.value));
  if (type.case === "mapValueType") return map({ k: sampleOf(type.value) });
  if (type.case === "simple" && type.value === SimpleType.STRING) return text("s");
  return type.case === "simple" && type.value === SimpleType.INTEGER ? integer(7) : nothing();
}

function samples(variables: TypedInterface["outputs"]): Uint8Array {
  const literals = Object.entries(variables?.variables ?? {}).map(([name, { type }]) => [
    name,
    type ? sampleOf(type) : nothing(),
  ]);
  return toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: Object.fromEntries(literals) }));
}

const compiled = (name: string): CompiledWorkflowClosure => {
  const result = compileWorkflow(fixture(name));
  if ("errors" in result) throw new Error(`${name} does not compile`);
  return result.closure;
};

const SEVEN = toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: { o0: integer(7) } }));

/** The good news that some open action waits for, with its outputs in place. */
function goodNews(stage: Stage): AnyEvent {
  const open = [...stage.actions.values()].filter(({ endedAtMs }) => endedAtMs === null);
  for (const { ordinal, kind, phase, attempts, taskKey } of open) {
    const id = { ordinal, attempt: Math.max(0, attempts - 1) };
    const outputs = stage.program.tasks.get(taskKey ?? "")?.template.interface?.outputs;
    if (kind === "task") {
      if (attempts === 0) return { type: "cacheChecked", ordinal, status: "miss", key: "v/k" };
      stage.values.set(`${ordinal}.outputs`, samples(outputs));
      return { type: "attemptSucceeded", ...id };
    }
    if (phase !== "running") continue;
    const timer = [...stage.timers.keys()].find((key) => key === `${ordinal}.0.wake`);
    if (timer) return { type: "timerFired", ...id, timer: "wake" };
    const isApproval = stage.value(stage.nameOf(ordinal), "inputs")?.length !== 0;
    if (kind === "gate" && !isApproval) stage.values.set(`${ordinal}.outputs`, SEVEN);
    if (kind === "gate") return { type: "signalSet", ordinal, approved: isApproval || null, principal: "me" };
    if (kind === "launch_plan" || kind === "array") stage.values.set(`${ordinal}.outputs`, SEVEN);
    if (kind === "launch_plan") return { type: "childEnded", ...id, phase: "succeeded", failure: null };
    if (kind === "array" && open.every((item) => item.parentOrdinal !== ordinal))
      return { type: "outputsGathered", ordinal };
  }
  throw new Error(`nothing can happen: ${JSON.stringify(stage.phases())}`);
}

/** Runs a compiled workflow in which everything goes well, restoring it from rows after each event. */
function runToEnd(closure: CompiledWorkflowClosure): Stage {
  const stage = new Stage(closure);
  stage.values.set("0.outputs", samples(closure.primary?.template?.interface?.inputs));
  stage.start();
  for (let tries = 0; stage.runRow.endedAtMs === null && tries < 100; tries += 1) {
    stage.play(goodNews(stage));
    stage.restore();
  }
  return stage;
}

/** Attributes are read from values that no sample has; a branch fails on purpose for what no case takes. */
const FAILURES: Readonly<Record<string, string>> = {
  attributes: "BindingResolutionFailure",
  branches: "UserProvidedError",
};

test.each(fixtureNames)("what flytekit registers runs: %s", (name) => {
  const stage = runToEnd(compiled(name));
  expect(stage.runRow.failure?.code).toBe(FAILURES[name]);
  expect(stage.runRow.phase).toBe(FAILURES[name] ? "failed" : "succeeded");
});
