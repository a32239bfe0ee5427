import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SkeinError } from "@skein/errors";
import type { SecretRequest, SecretSource } from "./secret-source.ts";

/** A name's parts must not bring separators of their own: a group called `other/production/db` would leave its project. */
const PART = /^[A-Za-z0-9_+=.@-]{1,256}$/;
const VERSION_ID = /^[0-9a-fA-F-]{32,64}$/;
const TEMPLATE = /^([A-Za-z0-9/_+=.@-]|\{(org|project|domain|group|key)\})+$/;
export const DEFAULT_AWS_NAMES = "{project}/{domain}/{group}/{key},{group}";

/** Reads templates of names, separated by commas. */
export function readAwsNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => TEMPLATE.test(name))) return names;
  throw new SkeinError(
    "invalid_argument",
    "secret_names_invalid",
    "must be names with {org}, {project}, {domain}, {group} and {key} in them, separated by commas",
  );
}

/**
 * Secrets of AWS Secrets Manager under the names that the templates make, the first that exists. A template without
 * `{key}` names a JSON object that has the key. Credentials and region come from the usual AWS sources.
 */
export function awsSource(names: readonly string[] = readAwsNames(DEFAULT_AWS_NAMES)): SecretSource {
  let client: Promise<SecretsManagerClient> | undefined;
  return {
    name: "AWS Secrets Manager",
    async find(request) {
      const { project, domain, group, key } = request;
      if (![project, domain, group, key].every((part) => PART.test(part))) return undefined;
      client ??= openClient();
      for (const template of names) {
        const value = await readSecret(await client, nameOf(template, request), request.version);
        const found = template.includes("{key}") ? value : valueInJson(value, key);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** Loaded when first needed: the library costs memory that most servers can do without. */
async function openClient(): Promise<SecretsManagerClient> {
  const { SecretsManagerClient: Client } = await import("@aws-sdk/client-secrets-manager");
  return new Client({ maxAttempts: 2 });
}

const nameOf = (template: string, { org, project, domain, group, key }: SecretRequest): string => {
  const parts: Readonly<Record<string, string>> = { org, project, domain, group, key };
  return template.replace(/\{(org|project|domain|group|key)\}/g, (_, part: string) => parts[part] ?? "");
};

async function readSecret(
  client: SecretsManagerClient,
  name: string,
  version: string,
): Promise<Uint8Array | undefined> {
  const { GetSecretValueCommand, ResourceNotFoundException } = await import("@aws-sdk/client-secrets-manager");
  const chosen = VERSION_ID.test(version) ? { VersionId: version } : { VersionStage: version };
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: name, ...(version === "" ? {} : chosen) }));
    if (answer.SecretBinary !== undefined) return answer.SecretBinary;
    return answer.SecretString === undefined ? undefined : Buffer.from(answer.SecretString);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** The key's value in a JSON object; undefined for anything else. */
function valueInJson(json: Uint8Array | undefined, key: string): Uint8Array | undefined {
  if (json === undefined) return undefined;
  let object: unknown;
  try {
    object = JSON.parse(Buffer.from(json).toString());
  } catch {
    return undefined;
  }
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, key)) return undefined;
  const value = (object as Readonly<Record<string, unknown>>)[key];
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}
