import { create } from "@bufbuild/protobuf";
import {
  type LiteralMap,
  type Parameter,
  type ParameterMap,
  ParameterMapSchema,
  ParameterSchema,
  SimpleType,
  type TypedInterface,
  type Variable,
  type VariableMap,
  VariableMapSchema,
  VariableSchema,
} from "@skein/idl/core";
import { castable } from "./castable.ts";
import { typeProblem } from "./check-inputs.ts";
import { typeName } from "./type-name.ts";

/** What the rules for a launch plan look at. Flyte 1's `LaunchPlanSpec` has this shape. */
export interface LaunchPlanSource {
  readonly defaultInputs?: ParameterMap | undefined;
  readonly fixedInputs?: LiteralMap | undefined;
  readonly entityMetadata?:
    | {
        readonly schedule?:
          | {
              readonly ScheduleExpression: { readonly case: string | undefined };
              readonly kickoffTimeInputArg: string;
            }
          | undefined;
      }
    | undefined;
}

/** What launching asks for and hands out, and every problem. With problems, the rest must not be stored. */
export interface CompiledLaunchPlanInputs {
  readonly expectedInputs: ParameterMap;
  readonly expectedOutputs: VariableMap;
  readonly problems: readonly string[];
}

/** Completes a launch plan's inputs from its workflow's interface and checks them (contract 5.4), but not the cron text. */
export function compileLaunchPlan(
  source: LaunchPlanSource,
  workflow: TypedInterface | undefined,
): CompiledLaunchPlanInputs {
  const declared = new Map(Object.entries(workflow?.inputs?.variables ?? {}));
  const problems: string[] = [];
  const fixed = new Map(Object.entries(source.fixedInputs?.literals ?? {}));
  for (const [name, literal] of fixed) {
    const variable = declared.get(name);
    const problem = variable ? typeProblem(literal, variable.type) : unknownInput(declared);
    if (problem) problems.push(`fixed input "${name}" ${problem}`);
  }
  const defaults = new Map(Object.entries(source.defaultInputs?.parameters ?? {}));
  for (const [name, parameter] of defaults) {
    const variable = declared.get(name);
    const problem = variable ? defaultProblem(parameter, variable) : unknownInput(declared);
    if (problem) problems.push(`default input "${name}" ${problem}`);
  }
  const free = [...declared].filter(([name]) => !fixed.has(name));
  const parameters = free.map(([name, variable]) => [name, expectedParameter(defaults.get(name), variable)] as const);
  const expectedInputs = create(ParameterMapSchema, { parameters: Object.fromEntries(parameters) });
  return {
    expectedInputs,
    expectedOutputs: workflow?.outputs ?? create(VariableMapSchema),
    problems: [...problems, ...scheduleProblems(source, new Map(parameters))],
  };
}

function unknownInput(declared: ReadonlyMap<string, Variable>): string {
  const names = [...declared.keys()].sort().join(", ");
  return `is unknown: ${names === "" ? "the workflow has no inputs" : `the workflow's inputs are ${names}`}`;
}

function defaultProblem({ var: own, behavior }: Parameter, { type }: Variable): string | undefined {
  if (behavior.case === "default") {
    const problem = typeProblem(behavior.value, type);
    if (problem) return problem;
  } else if (behavior.case !== "required" || !behavior.value) {
    return "must have a default or be required";
  }
  if (!own?.type || !type || castable(own.type, type)) return undefined;
  return `must be ${typeName(type)}, but is declared ${typeName(own.type)}`;
}

const expectedParameter = (given: Parameter | undefined, { type, description }: Variable): Parameter => {
  const variable = create(VariableSchema, { ...(type ? { type } : {}), description });
  if (!given) return create(ParameterSchema, { var: variable, behavior: { case: "required", value: true } });
  return given.var ? given : { ...given, var: variable };
};

function scheduleProblems(source: LaunchPlanSource, expected: ReadonlyMap<string, Parameter>): string[] {
  const schedule = source.entityMetadata?.schedule;
  if (!schedule || schedule.ScheduleExpression.case === undefined) return [];
  const kickoff = schedule.kickoffTimeInputArg;
  const unbound = [...expected].filter(([name, { behavior }]) => behavior.case === "required" && name !== kickoff);
  const problems = unbound.map(
    ([name]) => `input "${name}" is required, and a schedule cannot give it: add a default or fix it`,
  );
  if (kickoff === "") return problems;
  const type = expected.get(kickoff)?.var?.type;
  if (!expected.has(kickoff)) {
    problems.push(`the schedule's kickoff time input "${kickoff}" is not a free input of the workflow`);
  } else if (type?.type.case !== "simple" || type.type.value !== SimpleType.DATETIME) {
    problems.push(`the schedule's kickoff time input "${kickoff}" must be datetime, but is ${typeName(type)}`);
  }
  return problems;
}
