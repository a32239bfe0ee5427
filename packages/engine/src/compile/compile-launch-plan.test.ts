import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  LiteralMapSchema,
  ParameterMapSchema,
  type ParameterSchema,
  TypedInterfaceSchema,
  VariableSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { DATETIME, INT, integer, STR, text, variables } from "../../test/literals.ts";
import { compileLaunchPlan, type LaunchPlanSource } from "./compile-launch-plan.ts";

const WORKFLOW = create(TypedInterfaceSchema, {
  inputs: variables({ n: INT, name: STR, at: DATETIME }),
  outputs: variables({ o: INT }),
});

const defaults = (parameters: Record<string, MessageInitShape<typeof ParameterSchema>>) =>
  create(ParameterMapSchema, { parameters });

const schedule = (kickoffTimeInputArg: string): LaunchPlanSource["entityMetadata"] => ({
  schedule: { ScheduleExpression: { case: "cronSchedule" }, kickoffTimeInputArg },
});

const problems = (source: LaunchPlanSource): readonly string[] => compileLaunchPlan(source, WORKFLOW).problems;

test("inputs that are neither default nor fixed become required, and fixed ones disappear", () => {
  const result = compileLaunchPlan(
    {
      defaultInputs: defaults({
        n: { var: { type: INT, description: "how many" }, behavior: { case: "default", value: integer(1) } },
      }),
      fixedInputs: create(LiteralMapSchema, { literals: { name: text("a") } }),
    },
    WORKFLOW,
  );
  expect(result.problems).toEqual([]);
  expect(result.expectedOutputs).toBe(WORKFLOW.outputs);
  expect(Object.keys(result.expectedInputs.parameters)).toEqual(["n", "at"]);
  expect(result.expectedInputs.parameters.n?.var?.description).toBe("how many");
  expect(result.expectedInputs.parameters.at).toMatchObject({
    var: { type: DATETIME },
    behavior: { case: "required", value: true },
  });
});

test("a default without a variable takes the workflow's", () => {
  const { expectedInputs } = compileLaunchPlan(
    { defaultInputs: defaults({ n: { behavior: { case: "default", value: integer(1) } } }) },
    WORKFLOW,
  );
  expect(expectedInputs.parameters.n?.var?.type).toEqual(INT);
});

test("unknown names and wrong types are told by the input's name", () => {
  expect(
    problems({
      defaultInputs: defaults({
        m: {},
        n: { var: { type: STR }, behavior: { case: "default", value: text("a") } },
        name: { var: { type: INT }, behavior: { case: "required", value: true } },
        at: { behavior: { case: "required", value: false } },
      }),
      fixedInputs: create(LiteralMapSchema, { literals: { n: text("a"), x: text("a") } }),
    }),
  ).toEqual([
    'fixed input "n" must be int, but got str',
    'fixed input "x" is unknown: the workflow\'s inputs are at, n, name',
    'default input "m" is unknown: the workflow\'s inputs are at, n, name',
    'default input "n" must be int, but got str',
    'default input "name" must be str, but is declared int',
    'default input "at" must have a default or be required',
  ]);
});

test("a workflow without an interface has no inputs and no outputs", () => {
  const result = compileLaunchPlan({ defaultInputs: defaults({ n: {} }) }, undefined);
  expect(result.problems).toEqual(['default input "n" is unknown: the workflow has no inputs']);
  expect(result.expectedOutputs.variables).toEqual({});
});

const nAndName = defaults({
  n: { behavior: { case: "default", value: integer(1) } },
  name: { behavior: { case: "default", value: text("a") } },
});

test("a schedule can start a plan whose only required input is the kickoff time", () => {
  expect(problems({ defaultInputs: nAndName, entityMetadata: schedule("at") })).toEqual([]);
  expect(problems({ entityMetadata: {} })).toEqual([]);
  expect(
    problems({ entityMetadata: { schedule: { ScheduleExpression: { case: undefined }, kickoffTimeInputArg: "" } } }),
  ).toEqual([]);
});

test("a schedule cannot give inputs that have no default", () => {
  expect(problems({ defaultInputs: nAndName, entityMetadata: schedule("") })).toEqual([
    'input "at" is required, and a schedule cannot give it: add a default or fix it',
  ]);
});

test("the kickoff time goes to a free input that is a datetime", () => {
  const atFixed = create(LiteralMapSchema, { literals: { n: integer(1), name: text("a") } });
  expect(problems({ fixedInputs: atFixed, entityMetadata: schedule("n") })).toEqual([
    'input "at" is required, and a schedule cannot give it: add a default or fix it',
    'the schedule\'s kickoff time input "n" is not a free input of the workflow',
  ]);
  expect(problems({ defaultInputs: nAndName, entityMetadata: schedule("name") })).toEqual([
    'input "at" is required, and a schedule cannot give it: add a default or fix it',
    'the schedule\'s kickoff time input "name" must be datetime, but is str',
  ]);
});

test("an input without a type is passed on as it is", () => {
  const odd = create(TypedInterfaceSchema, { inputs: { variables: { n: create(VariableSchema) } } });
  const result = compileLaunchPlan(
    { defaultInputs: defaults({ n: { var: { type: INT }, behavior: { case: "default", value: integer(1) } } }) },
    odd,
  );
  expect(result.problems).toEqual([]);
  expect(compileLaunchPlan({}, odd).expectedInputs.parameters.n?.var?.type).toBeUndefined();
});
