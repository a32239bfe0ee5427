import type { GrantedSecret } from "@skein/contracts";
import { SECRETS_FOLDER } from "../../../secrets/inject.ts";
import { SECRET_VARIABLE_PREFIX } from "../../../secrets/task-secrets.ts";
import type { Launch } from "../../runtime.ts";
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
 * Secrets that nobody else has a value for, by reference to the namespace's own: the group is the Secret, the key its key.
 * One that is not there leaves the task without, as any other missing secret does.
 */
export function clusterSecrets(launch: Launch, settings: PodSettings): ClusterSecrets {
  const known = new Set(launch.secrets.map(({ group, key }) => `${group}/${key}`));
  const isAsked = (secret: GrantedSecret) => !known.has(`${secret.group}/${secret.key}`) && isUsable(secret, settings);
  const asked = settings.usesClusterSecrets ? launch.grant.secrets.filter(isAsked) : [];
  const variables = asked.filter(({ mount }) => mount === "variable");
  const files = asked.filter(({ mount }) => mount !== "variable");
  return {
    variables: [
      ...variables.flatMap((secret) =>
        variableNames(secret).map((name) => ({ name, valueFrom: { secretKeyRef: keyOf(secret) } })),
      ),
      ...files.flatMap((secret) =>
        secret.variable === null ? [] : [{ name: secret.variable, value: `${SECRETS_FOLDER}/${pathsOf(secret)[0]}` }],
      ),
    ],
    sources: files.map((secret) => {
      const { name, key, optional } = keyOf(secret);
      return { secret: { name, optional, items: pathsOf(secret).map((path) => ({ key, path })) } };
    }),
  };
}

function isUsable({ value, group, key }: GrantedSecret, { namespace, rules }: PodSettings): boolean {
  if (value !== null || !SECRET_NAME.test(group) || !SECRET_KEY.test(key)) return false;
  return namespace === undefined || rules.shared.names.includes(group);
}

const keyOf = ({ group, key }: GrantedSecret) => ({ name: group, key, optional: true });

/** The cluster's Secrets have no versions: one that is named is found with its name and without. */
const waysOf = ({ group, version, key }: GrantedSecret): string[][] =>
  version === ""
    ? [[group, key]]
    : [
        [group, version, key],
        [group, key],
      ];

const variableNames = (secret: GrantedSecret): string[] => [
  ...waysOf(secret).map((parts) => `${SECRET_VARIABLE_PREFIX}${parts.join("_").toUpperCase()}`),
  ...(secret.variable === null ? [] : [secret.variable]),
];

const pathsOf = (secret: GrantedSecret): string[] => waysOf(secret).map((parts) => parts.join("/").toLowerCase());
