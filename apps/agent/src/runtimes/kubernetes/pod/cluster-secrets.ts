import type { GrantedSecret } from "@skein/contracts";
import type { Launch } from "../../runtime.ts";
import { SECRETS_FOLDER } from "./confidences.ts";
import type { Json } from "./json.ts";
import type { PodSettings } from "./pod-settings.ts";

const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const SECRET_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** What the namespace's own Secrets give a task: variables, and sources of the volume with its secrets. */
export interface ClusterSecrets {
  readonly variables: readonly Json[];
  readonly sources: readonly Json[];
}

/**
 * Secrets that the api has none of, by reference to the namespace's own: the group is the Secret, the key its key. One that
 * is not there leaves the task without, as any other missing secret does.
 */
export function clusterSecrets({ grant }: Launch, settings: PodSettings): ClusterSecrets {
  const asked = settings.usesClusterSecrets ? grant.secrets.filter((secret) => isKnown(secret, settings)) : [];
  const [variables, files] = [asked.filter(isVariable), asked.filter((secret) => !isVariable(secret))];
  return {
    variables: [
      ...variables.flatMap((secret) =>
        namesOf(secret).map((name) => ({ name, valueFrom: { secretKeyRef: keyOf(secret) } })),
      ),
      ...files.flatMap((secret) =>
        secret.variable === null ? [] : [{ name: secret.variable, value: `${SECRETS_FOLDER}/${pathOf(secret)}` }],
      ),
    ],
    sources: files.map((secret) => {
      const { name, key, optional } = keyOf(secret);
      return { secret: { name, optional, items: [{ key, path: pathOf(secret) }] } };
    }),
  };
}

function isKnown({ value, group, key }: GrantedSecret, { namespace, rules }: PodSettings): boolean {
  if (value !== null || !SECRET_NAME.test(group) || !SECRET_KEY.test(key)) return false;
  return namespace === undefined || rules.shared.names.includes(group);
}

const isVariable = ({ mount }: GrantedSecret): boolean => mount === "variable";

const keyOf = ({ group, key }: GrantedSecret) => ({ name: group, key, optional: true });

/** The names that flytekit looks a variable up by. */
function namesOf({ group, version, key, variable }: GrantedSecret): string[] {
  const parts = [group, ...(version === "" ? [] : [version]), key];
  return [`_FSEC_${parts.join("_")}`.toUpperCase(), ...(variable === null ? [] : [variable])];
}

/** The path that flytekit looks a file up by. */
const pathOf = ({ group, version, key }: GrantedSecret): string =>
  [group, ...(version === "" ? [] : [version]), key].join("/").toLowerCase();
