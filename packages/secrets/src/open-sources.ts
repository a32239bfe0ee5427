import { SkeinError } from "@skein/errors";
import { awsSource } from "./aws-source.ts";
import { cachedSource } from "./cached-source.ts";
import { environmentSource } from "./environment-source.ts";
import { fileSource } from "./file-source.ts";
import { firstOf, type SecretSource, withTimeLimit } from "./secret-source.ts";

/** A source as configuration names it. */
export type SourceSpec =
  | { readonly type: "postgres" | "aws" }
  | { readonly type: "files"; readonly root: string }
  | { readonly type: "env"; readonly prefix: string };

const TIME_LIMIT_MS = 3_000;
/** Of all sources together: an agent waits ten seconds for the answer to its claims. */
const TIME_LIMIT_IN_ALL_MS = 5_000;
const FOUND_MS = 30_000;
const MISSING_MS = 2_000;

/** Reads `postgres,aws,files:/path,env:PREFIX_`, in the order in which they are asked. */
export function readSourceSpecs(text: string): SourceSpec[] {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return words.map((word) => {
    const [, type, rest = ""] = /^([a-z]+):?(.*)$/.exec(word) ?? [];
    if ((type === "postgres" || type === "aws") && word === type) return { type };
    if (type === "files" && rest.startsWith("/")) return { type, root: rest };
    if (type === "env" && rest !== "") {
      environmentSource({}, rest);
      return { type, prefix: rest };
    }
    throw new SkeinError(
      "invalid_argument",
      "secret_source_invalid",
      `${JSON.stringify(word)} is no source of secrets: use postgres, aws, files:/an/absolute/folder or env:A_PREFIX_`,
    );
  });
}

export interface SourceOptions {
  /** What `env:` looks into. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What `postgres` stands for; undefined where there is no database. */
  readonly stored?: SecretSource | undefined;
  readonly awsNames?: readonly string[] | undefined;
}

/** All named sources as one, asked in their order; each has a time limit, and those outside of us a short memory. */
export const openSources = (specs: readonly SourceSpec[], options: SourceOptions): SecretSource =>
  withTimeLimit(firstOf(specs.map((spec) => openSource(spec, options))), TIME_LIMIT_IN_ALL_MS);

function openSource(spec: SourceSpec, { environment, stored, awsNames }: SourceOptions): SecretSource {
  const limited = (source: SecretSource) => withTimeLimit(source, TIME_LIMIT_MS);
  switch (spec.type) {
    case "postgres":
      if (stored) return limited(stored);
      throw new SkeinError("invalid_argument", "secret_source_invalid", "postgres is no source of secrets here");
    case "aws":
      return cachedSource(limited(awsSource(awsNames)), { foundMs: FOUND_MS, missingMs: MISSING_MS });
    case "files":
      return limited(fileSource(spec.root));
    case "env":
      return environmentSource(environment, spec.prefix);
  }
}
