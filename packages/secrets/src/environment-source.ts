import { SkeinError } from "@skein/errors";
import type { SecretSource } from "./secret-source.ts";

/** Single marks inside, so that two in a row can only be ours, between the parts. */
const PART = /^[A-Za-z0-9]+([_.-][A-Za-z0-9]+)*$/;
const PREFIX = /^[A-Z][A-Z0-9_]*_$/;
/** What servers are told in, and must not be read out of them. */
const OTHERS_PREFIXES = ["SKEIN_", "AWS_", "AZURE_", "GOOGLE_", "KUBERNETES_", "NODE_", "PG"];

const nameOf = (parts: readonly string[]): string =>
  parts.map((part) => part.replace(/[.-]/g, "_").toUpperCase()).join("__");

/**
 * Secrets in variables: `<prefix><PROJECT>__<DOMAIN>__<GROUP>__<KEY>`, or without the domain, or without both for
 * everybody. Only variables with the prefix are ever looked at. It knows no versions.
 */
export function environmentSource(
  environment: Readonly<Record<string, string | undefined>>,
  prefix: string,
): SecretSource {
  checkPrefix(prefix);
  const values = new Map(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
  return {
    name: `the environment (${prefix}…)`,
    async find({ project, domain, group, version, key }) {
      const parts = [project, domain, group, key];
      if (version !== "" || !parts.every((part) => PART.test(part))) return undefined;
      const places = [parts, [project, group, key], [group, key]];
      const name = places.map(nameOf).find((place) => values.has(place));
      const value = name === undefined ? undefined : values.get(name);
      return value === undefined ? undefined : Buffer.from(value);
    },
  };
}

function checkPrefix(prefix: string): void {
  const taken = OTHERS_PREFIXES.find((other) => prefix.startsWith(other) || other.startsWith(prefix));
  if (PREFIX.test(prefix) && taken === undefined) return;
  throw new SkeinError(
    "invalid_argument",
    "secret_prefix_invalid",
    `env:${prefix} must name a prefix of capital letters, digits and '_' that ends with '_' and is nobody else's (${OTHERS_PREFIXES.join(", ")}), for example env:TASK_SECRET_`,
  );
}
