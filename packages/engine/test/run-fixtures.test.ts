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
import { compileWorkflow, readProgram } from "../src/index.ts";
import { fixture, fixtureNames } from "./fixtures.ts";
import { integer, list, map, nothing, text } from "./literals.ts";
import { Stage } from "./stage.ts";

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

/** Runs a compiled workflow whose tasks all succeed, restoring it from rows after each of them. */
function runToEnd(closure: CompiledWorkflowClosure): Stage {
  const stage = new Stage(closure);
  stage.values.set("0.outputs", samples(closure.primary?.template?.interface?.inputs));
  stage.start();
  for (let tries = 0; stage.runRow.endedAtMs === null && tries < 100; tries += 1) {
    const queued = [...stage.attempts.values()].find(({ phase }) => phase === "queued");
    const taskKey = stage.actions.get(queued?.ordinal ?? -1)?.taskKey ?? "";
    if (!queued) throw new Error(`nothing is queued: ${JSON.stringify(stage.phases())}`);
    stage.values.set(
      `${queued.ordinal}.outputs`,
      samples(stage.program.tasks.get(taskKey)?.template.interface?.outputs),
    );
    stage.play({ type: "attemptSucceeded", ordinal: queued.ordinal, attempt: queued.attempt });
    stage.restore();
  }
  return stage;
}

test.each(fixtureNames)("what flytekit registers runs, or fails for a kind of node that cannot run yet: %s", (name) => {
  const closure = compiled(name);
  const { graphs } = readProgram(closure);
  const stage = runToEnd(closure);
  const isSupported = [...graphs.values()].every(({ nodes }) =>
    nodes.every(({ target }) => target.kind !== "unsupported"),
  );
  const code = stage.runRow.failure?.code ?? "";
  // Attributes are read from values that no sample has.
  if (isSupported && name !== "attributes") expect(stage.runRow).toMatchObject({ phase: "succeeded", failure: null });
  else
    expect([code, stage.runRow.phase]).toEqual([
      name === "attributes" ? "BindingResolutionFailure" : "NotSupported",
      "failed",
    ]);
});
