import type { AttemptId, ClaimGrant } from "@skein/contracts";
import { primitiveText } from "@skein/copilot";
import { SkeinError } from "@skein/errors";
import type { Literal, LiteralMap, Scalar } from "@skein/idl/core";

/** What the places in a task's command line stand for. */
export interface TemplateValues {
  /** Path or URI of inputs.pb. */
  readonly input: string;
  readonly inputPrefix: string;
  readonly outputPrefix: string;
  readonly rawOutputDataPrefix: string;
  readonly checkpointOutputPrefix: string;
  /** Undefined when there is no earlier checkpoint. */
  readonly prevCheckpointPrefix: string | undefined;
  /** Path or URI of the serialized task template. */
  readonly taskTemplatePath: string;
  readonly namespace: string;
  /** Unique per attempt; any text. */
  readonly attemptName: string;
  /** Only looked into where the command names an input. */
  readonly inputs: LiteralMap;
}

/** `{{ .name }}`, in any case, with spaces, and with Go's `$` before the name. */
const PLACE = /\{\{\s*\$?\.\s*\$?([a-z_][\w.-]*)\s*\}\}/gi;
const TASK_TEMPLATE_PLACE = /\{\{\s*\$?\.\s*\$?taskTemplatePath\s*\}\}/i;

const INPUT_FILE_PLACE = /\{\{\s*\$?\.\s*\$?input(?:Prefix)?\s*\}\}/i;
const INPUT_PLACE = /\{\{\s*\$?\.\s*\$?inputs\./i;

/** What an attempt is called, wherever it runs. */
export const attemptValues = (
  { attempt }: AttemptId,
  { project, domain, runName, actionName }: ClaimGrant,
): Pick<TemplateValues, "namespace" | "attemptName"> => ({
  namespace: `${project}-${domain}`,
  attemptName: `${runName}-${actionName}-${attempt}`,
});

/** Fills in the places of a command or its arguments; places that Flyte does not know stay as they are. */
export function renderTemplate(words: readonly string[], values: TemplateValues): string[] {
  return words.map((word) => word.replace(PLACE, (place, name: string) => placeValue(name, values) ?? place));
}

/** Whether the task wants its own template as a file. */
export const needsTaskTemplate = (words: readonly string[]): boolean =>
  words.some((word) => TASK_TEMPLATE_PLACE.test(word));

/** Whether the task wants its inputs as a file. */
export const needsInputFile = (words: readonly string[]): boolean => words.some((word) => INPUT_FILE_PLACE.test(word));

/** Whether a command names inputs one by one. */
export const needsInputs = (words: readonly string[]): boolean => words.some((word) => INPUT_PLACE.test(word));

function placeValue(name: string, values: TemplateValues): string | undefined {
  const [, variable] = /^inputs\.(.+)$/i.exec(name) ?? [];
  if (variable !== undefined) return inputText(variable, values.inputs);
  switch (name.toLowerCase()) {
    case "input":
      return values.input;
    case "inputprefix":
      return values.inputPrefix;
    case "outputprefix":
      return values.outputPrefix;
    case "rawoutputdataprefix":
      return values.rawOutputDataPrefix;
    case "checkpointoutputprefix":
      return values.checkpointOutputPrefix;
    case "prevcheckpointprefix":
      // Two quote characters: flytekit reads them as "none".
      return values.prevCheckpointPrefix ?? '""';
    case "tasktemplatepath":
      return values.taskTemplatePath;
    case "namespace":
      return values.namespace;
    case "perretryuniquekey":
      return values.attemptName.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^[^A-Za-z]/, "a");
    default:
      return undefined;
  }
}

function inputText(variable: string, inputs: LiteralMap): string {
  const literal = inputs.literals[variable];
  if (!literal) {
    throw refused(`The command uses {{.inputs.${variable}}}, but the task has no input of that name`);
  }
  return literalText(variable, literal);
}

function literalText(variable: string, literal: Literal): string {
  const { value } = literal;
  if (value.case === "collection") {
    return `[${value.value.literals.map((item) => literalText(variable, item)).join(",")}]`;
  }
  const text = value.case === "scalar" ? scalarText(value.value) : undefined;
  if (text === undefined) {
    throw refused(`The command uses {{.inputs.${variable}}}, but a ${value.case ?? "missing"} value has no text form`);
  }
  return text;
}

function scalarText({ value: scalar }: Scalar): string | undefined {
  switch (scalar.case) {
    case "primitive":
      return primitiveText(scalar.value);
    case "blob":
    case "schema":
      return scalar.value.uri;
    case "binary":
      return `[${[...scalar.value.value].join(" ")}]`;
    case "noneType":
      return "";
    default:
      return undefined;
  }
}

const refused = (message: string): SkeinError => new SkeinError("invalid_argument", "template_invalid", message);
