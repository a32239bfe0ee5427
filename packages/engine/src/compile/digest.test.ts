import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import { type CompiledTask, CompiledTaskSchema, CompiledWorkflowClosureSchema, PrimitiveSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { fixture, fixtureNames } from "../../test/fixtures.ts";
import { compileWorkflow } from "./compile-workflow.ts";
import { canonicalBytes, canonicalText, taskDigest, workflowDigest } from "./digest.ts";

const taskWith = (config: Record<string, string>): CompiledTask =>
  create(CompiledTaskSchema, { template: { type: "t", config, custom: { zero: 0, no: false, list: [], nil: null } } });

test("the order of maps does not matter, and their content does", () => {
  const digest = Buffer.from(taskDigest(taskWith({ a: "1", b: "2" })));
  expect(digest.equals(taskDigest(taskWith({ b: "2", a: "1" })))).toBe(true);
  expect(digest.equals(taskDigest(taskWith({ a: "1", b: "3" })))).toBe(false);
  expect(digest.equals(taskDigest(taskWith({ a: "1", b: "2", c: "" })))).toBe(false);
});

test("values that protobuf does not send do not matter, except where they were chosen", () => {
  const text = canonicalText(taskWith({}));
  expect(text).not.toContain("securityContext");
  expect(text).toContain('"custom":{"list":[],"nil":null,"no":false,"zero":0}');
  const zero = create(PrimitiveSchema, { value: { case: "integer", value: 0n } });
  expect(canonicalText(zero)).not.toBe(canonicalText(create(PrimitiveSchema)));
});

test("bytes and big integers are written exactly", () => {
  expect(canonicalText({ bytes: new Uint8Array([0, 255]), big: 2n ** 62n, half: 0.5 })).toBe(
    '{"big":4611686018427387904,"bytes":b"00ff","half":0.5}',
  );
  expect(canonicalBytes({ a: 1 })).toEqual(new TextEncoder().encode('{"a":1}'));
});

test.each(fixtureNames)("a stored workflow has the digest that it was stored with: %s", (name) => {
  const result = compileWorkflow(fixture(name));
  if ("errors" in result) throw new Error("the fixture does not compile");
  const stored = fromBytes(CompiledWorkflowClosureSchema, toBytes(CompiledWorkflowClosureSchema, result.closure));
  expect(Buffer.from(workflowDigest(stored)).equals(workflowDigest(result.closure))).toBe(true);
});

test("the interfaces of launch plans are compiled along, and do not matter for the digest", () => {
  const result = compileWorkflow(fixture("launch_plans"));
  if ("errors" in result) throw new Error("the fixture does not compile");
  const { closure } = result;
  const outputs = closure.launchPlans.map(({ template }) => Object.keys(template?.interface?.outputs?.variables ?? {}));
  expect(outputs).toEqual([["o0"], ["o0"], ["o0"]]);
  const inputs = closure.launchPlans.map(({ template }) => Object.keys(template?.interface?.inputs?.variables ?? {}));
  expect(inputs).toContainEqual(["x"]);
  const digest = Buffer.from(workflowDigest(closure));
  expect(digest.equals(workflowDigest({ ...closure, launchPlans: [] }))).toBe(true);
});
