import { readBy } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { readSourceSpecs, type SourceSpec } from "@skein/secrets";

/** An agent has no database. */
function readAgentSources(text: string): SourceSpec[] {
  const specs = readSourceSpecs(text);
  if (specs.every(({ type }) => type !== "postgres")) return specs;
  const message = "must not be postgres: agents have no database, and what the api keeps comes with each claim";
  throw new SkeinError("invalid_argument", "secret_source_invalid", message);
}

/** The configuration field that names an agent's own sources of secrets. */
export const secretSources = () =>
  readBy(readAgentSources)
    .prefault("")
    .describe(
      "Where this agent looks for secrets that the api does not have: aws (Secrets Manager), files:/folder ([<project>/[<domain>/]]<group>/<key>), env:PREFIX_ ([<PROJECT>__[<DOMAIN>__]]<GROUP>__<KEY>)",
    )
    .meta({ example: "files:/etc/skein/secrets" });
