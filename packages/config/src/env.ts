import { readFileSync } from "node:fs";
import { SkeinError } from "@skein/errors";
import type { z } from "zod";
import { KNOWN_NAMES, KNOWN_PREFIXES } from "./known-names.ts";

/** The environment as Node gives it. An empty value counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvOptions {
  /** In front of every derived name. */
  readonly prefix?: string;
  /** Field → variable, where the derived name is not the one people know (`awsRegion` → `AWS_REGION`). */
  readonly names?: Readonly<Record<string, string>>;
}

const PREFIX = "SKEIN_";
/** Names that other tools share with us. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  databaseUrl: "DATABASE_URL",
  redisUrl: "REDIS_URL",
  awsAccessKeyId: "AWS_ACCESS_KEY_ID",
  awsSecretAccessKey: "AWS_SECRET_ACCESS_KEY",
  awsSessionToken: "AWS_SESSION_TOKEN",
};
/** What counts where our own variable is not set, because people who use the same service have set it already. */
const FALLBACKS: Readonly<Record<string, readonly string[]>> = {
  SKEIN_S3_REGION: ["AWS_REGION"],
};

/** `grpcPort` → `SKEIN_GRPC_PORT`. */
export function variableName(field: string, options: EnvOptions = {}): string {
  const derived = field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return options.names?.[field] ?? USUAL_NAMES[field] ?? `${options.prefix ?? PREFIX}${derived}`;
}

/**
 * Makes a function that reads the schema's fields from an environment. It throws one SkeinError (`invalid_argument`,
 * `invalid_config`) that lists every problem: the variable, what was wrong and an example (`.meta({ example })`).
 * A name with our prefix that no process of ours knows is a problem too. `NAME_FILE` names a file that holds the value of a
 * `NAME` that is not set, as Docker's and Kubernetes' secrets do.
 */
export function env<S extends z.ZodObject>(
  schema: S,
  options: EnvOptions = {},
): (environment: Environment) => z.output<S> {
  const variables = new Map(Object.keys(schema.shape).map((field) => [field, variableName(field, options)]));
  return (environment) => {
    const problems = unknownNames(environment, new Set(variables.values()), options.prefix ?? PREFIX);
    const input: Record<string, string> = {};
    for (const [field, variable] of variables) {
      const names = [variable, ...(FALLBACKS[variable] ?? [])];
      const value = firstSet(environment, names) ?? fromFile(environment, variable, problems);
      if (value !== undefined) input[field] = value;
    }
    const parsed = schema.safeParse(input);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) problems.push(describeIssue(schema, issue, input, variables));
    }
    if (problems.length > 0 || !parsed.success) {
      throw new SkeinError(
        "invalid_argument",
        "invalid_config",
        `Configuration is not valid:\n${problems.map((text) => `  - ${text}`).join("\n")}`,
      );
    }
    return parsed.data;
  };
}

const firstSet = (environment: Environment, variables: readonly string[]): string | undefined =>
  variables.map((variable) => environment[variable]).find((value) => value !== undefined && value !== "");

const FILE_SUFFIX = "_FILE";

function fromFile(environment: Environment, variable: string, problems: string[]): string | undefined {
  const name = `${variable}${FILE_SUFFIX}`;
  const path = environment[name];
  if (path === undefined || path === "") return undefined;
  try {
    // Editors and `echo` end a file with a newline; no value of ours does.
    return readFileSync(path, "utf8").trimEnd();
  } catch (error) {
    problems.push(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

function unknownNames(environment: Environment, own: ReadonlySet<string>, prefix: string): string[] {
  const isKnown = (name: string) => own.has(name) || KNOWN_NAMES.has(name);
  const withoutSuffix = (name: string) => (name.endsWith(FILE_SUFFIX) ? name.slice(0, -FILE_SUFFIX.length) : name);
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !isKnown(name) && !isKnown(withoutSuffix(name)))
    .filter((name) => !KNOWN_PREFIXES.some((family) => name.startsWith(family)))
    .sort()
    .map((name) => `${name} is not a variable of Skein: correct the name or remove it`);
}

function describeIssue(
  schema: z.ZodObject,
  issue: z.core.$ZodIssue,
  input: Readonly<Record<string, string>>,
  variables: ReadonlyMap<string, string>,
): string {
  const field = String(issue.path[0] ?? "");
  const variable = variables.get(field) ?? "configuration";
  const isMissing = issue.path.length > 0 && input[field] === undefined;
  const example = exampleOf(schema.shape[field]);
  const wrong = isMissing && issue.code === "invalid_type" ? "is not set" : issue.message;
  return `${variable}: ${wrong}${example === undefined ? "" : ` (for example ${variable}=${example})`}`;
}

export function exampleOf(field: unknown): string | undefined {
  const meta = (field as z.ZodType | undefined)?.meta();
  return meta?.example === undefined ? undefined : String(meta.example);
}
