import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { LiteralSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, integersOf, literals, type NodeSpec, promiseOf, toNode } from "../test/closures.ts";
import { integer, list, map } from "../test/literals.ts";
import { Stage } from "../test/stage.ts";

const URI = "s3://b/x_offloaded_metadata.pb";
const offloaded = create(LiteralSchema, {
  value: { case: "offloadedMetadata", value: { uri: URI, sizeBytes: 100n } },
});

/** A task `n0` that offloads its output, read by `n1`. */
function offloading(n1: NodeSpec, whole: Uint8Array): Stage {
  const stage = new Stage(closureOf({ nodes: { n0: {}, n1 } }));
  stage.start();
  stage.values.set("2.outputs", literals({ x: offloaded }));
  stage.offloaded.set(URI, whole);
  stage.play({ type: "attemptSucceeded", ordinal: 2, attempt: 0 });
  return stage;
}

test("a path into an offloaded value reads it; without a path it is handed on as it is", () => {
  const whole = toBytes(LiteralSchema, map({ k: list(integer(5), integer(6)) }));
  const read = offloading({ inputs: { y: promiseOf("n0", "x", "k", 1) } }, whole);
  expect(integersOf(read.value("n1", "inputs"))).toEqual({ y: 6 });
  const passed = offloading({ inputs: { y: promiseOf("n0") } }, whole);
  expect(passed.value("n1", "inputs")).toEqual(literals({ y: offloaded }));
});

test("a map over an offloaded list reads it", () => {
  const target: NodeSpec["target"] = { case: "arrayNode", value: { node: toNode("each", {}), dataMode: 1 } };
  const stage = offloading(
    { inputs: { x: promiseOf("n0") }, target },
    toBytes(LiteralSchema, list(integer(5), integer(6))),
  );
  expect(integersOf(stage.value("n1.1", "inputs"))).toEqual({ x: 6 });
});

test("a failure node may look into an offloaded value while other nodes wait for values too", () => {
  const stage = new Stage(
    closureOf({
      nodes: {
        n0: {},
        n1: { inputs: { y: promiseOf("n0", "x", "k") } },
        n2: { after: ["n0"], target: { case: "gateNode", value: {} } },
      },
      onFailure: { inputs: { y: promiseOf("n0", "x", "k") } },
    }),
  );
  stage.start();
  stage.values.set("2.outputs", literals({ x: offloaded }));
  stage.offloaded.set(URI, toBytes(LiteralSchema, map({ k: integer(5) })));
  stage.play({ type: "attemptSucceeded", ordinal: 2, attempt: 0 });
  expect(stage.phases()).toMatchObject({ run: "failing", n2: "failed", fn: "queued" });
  expect(integersOf(stage.value("fn", "inputs"))).toEqual({ y: 5 });
});

test("a value that is no literal map fails the node that looks into it", () => {
  const stage = new Stage(closureOf({ nodes: { n0: {}, n1: { inputs: { y: promiseOf("n0", "x", "k") } } } }));
  stage.start();
  stage.values.set("2.outputs", Uint8Array.of(0xff));
  stage.play({ type: "attemptSucceeded", ordinal: 2, attempt: 0 });
  expect(stage.runRow.failure).toMatchObject({ code: "BindingResolutionFailure" });
});

test("an offloaded value that cannot be read fails the node that looks into it", () => {
  for (const [whole, words] of [
    [new Uint8Array(), "cannot be read"],
    [Uint8Array.of(0xff), "is not a Literal"],
  ] as const) {
    const stage = offloading({ inputs: { y: promiseOf("n0", "x", "k") } }, whole);
    expect(stage.runRow.failure).toMatchObject({ code: "BindingResolutionFailure" });
    expect(stage.runRow.failure?.message).toContain(`the offloaded value at ${URI} ${words}`);
  }
});
