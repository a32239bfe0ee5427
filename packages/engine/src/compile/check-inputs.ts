import { create } from "@bufbuild/protobuf";
import {
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  type LiteralType,
  type Parameter,
  type ParameterMap,
} from "@skein/idl/core";
import { literalFits, literalTypeOf } from "./literal-type.ts";
import { typeName } from "./type-name.ts";

/** What is wrong with one input. `message` names the input and says what to do. */
export interface InputProblem {
  readonly input: string;
  readonly message: string;
}

export interface InputsToCheck {
  /** What a launch plan takes: its closure's expected inputs. */
  readonly expected: ParameterMap | undefined;
  readonly fixed: LiteralMap | undefined;
  readonly given: LiteralMap | undefined;
}

/** The computed inputs of a run, or every problem with what the user gave. */
export type CheckedInputs = { readonly inputs: LiteralMap } | { readonly problems: readonly InputProblem[] };

/** Merges a user's inputs with a launch plan's defaults and fixed inputs (contract 6.1). */
export function checkInputs({ expected, fixed, given }: InputsToCheck): CheckedInputs {
  const parameters = new Map(Object.entries(expected?.parameters ?? {}));
  const fixedInputs = new Map(Object.entries(fixed?.literals ?? {}));
  const inputs = new Map<string, Literal>();
  const problems: InputProblem[] = [];
  const fail = (input: string, message: string): void => void problems.push({ input, message });

  for (const [name, literal] of Object.entries(given?.literals ?? {})) {
    const parameter = parameters.get(name);
    if (fixedInputs.has(name)) {
      fail(name, `input "${name}" is fixed by the launch plan and cannot be given: leave it out`);
    } else if (!parameter) {
      const known = [...parameters.keys()].sort().join(", ");
      fail(name, `input "${name}" is unknown: ${known === "" ? "there are no inputs" : `the inputs are ${known}`}`);
    } else {
      const problem = typeProblem(literal, parameter.var?.type);
      if (problem) fail(name, `input "${name}" ${problem}`);
      inputs.set(name, literal);
    }
  }
  for (const [name, parameter] of parameters) {
    if (inputs.has(name) || fixedInputs.has(name)) continue;
    const problem = fillIn(name, parameter, inputs);
    if (problem) fail(name, problem);
  }
  for (const [name, literal] of fixedInputs) inputs.set(name, literal);
  if (problems.length > 0) return { problems: problems.sort((a, b) => (a.input < b.input ? -1 : 1)) };
  return { inputs: create(LiteralMapSchema, { literals: Object.fromEntries(inputs) }) };
}

function fillIn(
  name: string,
  { behavior, var: variable }: Parameter,
  inputs: Map<string, Literal>,
): string | undefined {
  if (behavior.case === "default") {
    inputs.set(name, behavior.value);
    return undefined;
  }
  return `input "${name}" is missing: it must be ${typeName(variable?.type)} and has no default`;
}

/** What is wrong with a value for a declared type, to be put behind its name; undefined when it fits. */
export function typeProblem(literal: Literal, type: LiteralType | undefined): string | undefined {
  if (!type) return undefined;
  if (literalFits(literal, type)) return undefined;
  const found = literalTypeOf(literal);
  if (!found) return `has a value of a kind that this server does not know: it must be ${typeName(type)}`;
  const text = literal.value.case === "scalar" ? literal.value.value.value : undefined;
  const primitive = text?.case === "primitive" ? text.value.value : undefined;
  const got =
    type.type.case === "enumType" && primitive?.case === "stringValue" ? `"${primitive.value}"` : typeName(found);
  return `must be ${typeName(type)}, but got ${got}`;
}
