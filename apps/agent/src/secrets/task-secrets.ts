import type { ClaimGrant, GrantedSecret } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { type SecretSource, secretText } from "@skein/secrets";
import type { TaskSecret } from "../runtimes/runtime.ts";

/** flytekit looks for variables that begin so. */
export const SECRET_VARIABLE_PREFIX = "_FSEC_";
/** Of a path that flytekit makes of group, version and key: groups may be names with slashes, as AWS has them. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.:@+=-]{0,255}$/;
/** What Kubernetes, Docker and a process alike take for a variable. */
const VARIABLE = /^[-._A-Za-z][-._A-Za-z0-9]*$/;
const OWN_VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The secrets that a task gets, where flytekit looks for them. What the api had no value for, `source` may know; what nobody
 * knows, or what no file or variable can be called, is left out. A version that is named is found with its name and without.
 */
export async function taskSecrets(
  { org, project, domain, secrets }: ClaimGrant,
  source: SecretSource,
): Promise<TaskSecret[]> {
  const found = await Promise.all(
    secrets.map(async (secret) => {
      const { group, version, key, value } = secret;
      if (value !== null) return { secret, value: Buffer.from(value, "base64") };
      return { secret, value: await source.find({ org, project, domain, group, version, key }) };
    }),
  );
  const taken = new Set<string>();
  return found.flatMap(({ secret, value }) =>
    value === undefined ? [] : placesOf(secret, value).flatMap((place) => withoutTaken(place, taken)),
  );
}

function placesOf(secret: GrantedSecret, value: Uint8Array): TaskSecret[] {
  const { group, version, key, mount, variable } = secret;
  if (variable !== null && !OWN_VARIABLE.test(variable)) {
    throw invalid(secret, `cannot be called ${JSON.stringify(variable)}: that is no name of a variable`);
  }
  const versions = version === "" ? [""] : [version, ""];
  if (mount === "variable") {
    requireText(secret, value);
    const usual = versions.map((one) => variableName(group, one, key)).filter((name) => VARIABLE.test(name));
    const variables = [...usual, ...(variable === null ? [] : [variable])];
    return [{ group, version, key, value, variables, file: undefined, fileVariable: undefined }];
  }
  return versions.flatMap((one, at) => {
    const file = fileName(group, one, key);
    if (file === undefined) return [];
    const fileVariable = at === 0 && variable !== null ? variable : undefined;
    return [{ group, version: one, key, value, variables: [], file, fileVariable }];
  });
}

const partsOf = (...parts: readonly string[]): string[] => parts.filter((part) => part !== "");

const variableName = (group: string, version: string, key: string): string =>
  `${SECRET_VARIABLE_PREFIX}${partsOf(group, version, key).join("_").toUpperCase()}`;

function fileName(group: string, version: string, key: string): string | undefined {
  const path = partsOf(group, version, key).join("/").toLowerCase();
  const isPlain = path.split("/").every((segment) => SEGMENT.test(segment) && !segment.includes(".."));
  return isPlain ? path : undefined;
}

/** Two requests may come to the same name, or one to a folder where the other has a file: the first stands. */
function withoutTaken(place: TaskSecret, taken: Set<string>): TaskSecret[] {
  const { file } = place;
  const variables = place.variables.filter((name) => !taken.has(name));
  for (const name of variables) taken.add(name);
  if (file === undefined) return variables.length === 0 ? [] : [{ ...place, variables }];
  const folders = file.split("/").map((_, at, segments) => `${segments.slice(0, at).join("/")}/`);
  const isBlocked =
    taken.has(file) || taken.has(`${file}/`) || folders.some((folder) => taken.has(folder.slice(0, -1)));
  if (isBlocked) return [];
  for (const name of [file, ...folders]) taken.add(name);
  return [{ ...place, variables }];
}

function requireText(secret: GrantedSecret, value: Uint8Array): void {
  const bytes = Buffer.from(value);
  if (Buffer.from(bytes.toString()).equals(bytes) && !bytes.includes(0)) return;
  throw invalid(secret, "is no text, so no variable can hold it: ask for it as a file (mount_requirement FILE)");
}

const invalid = (secret: GrantedSecret, problem: string): SkeinError =>
  new SkeinError("invalid_argument", "secret_not_mountable", `The secret ${secretText(secret)} ${problem}`);
