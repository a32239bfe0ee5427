import { create } from "@bufbuild/protobuf";
import { type Literal, type LiteralMap, LiteralMapSchema, ParameterMapSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { enumOf, INT, integer, list, nothing, STR, scalar, text } from "../../test/literals.ts";
import { checkInputs } from "./check-inputs.ts";

const literals = (values: Record<string, Literal>): LiteralMap => create(LiteralMapSchema, { literals: values });

const expected = create(ParameterMapSchema, {
  parameters: {
    n: { var: { type: INT }, behavior: { case: "required", value: true } },
    name: { var: { type: STR }, behavior: { case: "default", value: text("you") } },
    color: { var: { type: enumOf("red", "blue") }, behavior: { case: "default", value: text("red") } },
  },
});
const fixed = literals({ region: text("eu") });

const problems = (given: Record<string, Literal>): string[] => {
  const result = checkInputs({ expected, fixed, given: literals(given) });
  return "problems" in result ? result.problems.map(({ message }) => message) : [];
};

test("given values win over defaults, and fixed inputs are added", () => {
  const result = checkInputs({ expected, fixed, given: literals({ n: integer(1), color: text("blue") }) });
  expect("inputs" in result && result.inputs.literals).toEqual({
    n: integer(1),
    color: text("blue"),
    name: text("you"),
    region: text("eu"),
  });
});

test("nothing may be asked for and nothing given", () => {
  const result = checkInputs({ expected: undefined, fixed: undefined, given: undefined });
  expect(result).toEqual({ inputs: literals({}) });
});

test("every problem is told at once, by the input's name, with what to do", () => {
  expect(problems({ nn: integer(1), region: text("us"), name: integer(2), color: text("green") })).toEqual([
    'input "color" must be enum(red, blue), but got "green"',
    'input "n" is missing: it must be int and has no default',
    'input "name" must be str, but got int',
    'input "nn" is unknown: the inputs are color, n, name',
    'input "region" is fixed by the launch plan and cannot be given: leave it out',
  ]);
});

test("a value of an unknown kind is a problem of its own", () => {
  expect(problems({ n: scalar(undefined) })).toEqual([
    'input "n" has a value of a kind that this server does not know: it must be int',
  ]);
  expect(problems({ n: integer(1), color: integer(1) })).toEqual([
    'input "color" must be enum(red, blue), but got int',
  ]);
});

test("a value that is no primitive is called by its type", () => {
  expect(problems({ n: list(integer(1)), color: nothing() })).toEqual([
    'input "color" must be enum(red, blue), but got None',
    'input "n" must be int, but got list[int]',
  ]);
});

test("where there are no inputs, any is unknown", () => {
  const result = checkInputs({ expected: undefined, fixed: undefined, given: literals({ toString: integer(1) }) });
  expect("problems" in result && result.problems).toEqual([
    { input: "toString", message: 'input "toString" is unknown: there are no inputs' },
  ]);
});

test("an input whose declared type is missing takes anything", () => {
  const untyped = create(ParameterMapSchema, { parameters: { n: {} } });
  expect(checkInputs({ expected: untyped, fixed: undefined, given: literals({ n: text("a") }) })).toEqual({
    inputs: literals({ n: text("a") }),
  });
});
