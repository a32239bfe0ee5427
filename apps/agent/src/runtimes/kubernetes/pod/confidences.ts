import type { V1Secret } from "@kubernetes/client-node";
import { SkeinError } from "@skein/errors";
import { SECRETS_FOLDER } from "../../../secrets/inject.ts";
import type { Launch, TaskSecret } from "../../runtime.ts";
import type { Json } from "./json.ts";
import type { PodSettings } from "./pod-settings.ts";
import { addVolume } from "./volumes.ts";

/** The Secret of a namespace with what all its tasks may know and nobody else. */
export const CONFIDENTIAL_SECRET = "skein-confidential";
const VOLUME = "skein-secrets";
/** Readable by whoever the container runs as; the volume is this pod's alone. */
const FILE_MODE = 0o444;

/** Gathers what a pod's own text must not hold, and gives out references to it. */
export class Confidences {
  readonly #secretName: string;
  readonly #settings: PodSettings;
  readonly #values: ReadonlySet<string>;
  readonly #data: Record<string, string> = {};

  constructor(secretName: string, launch: Launch, settings: PodSettings) {
    const { storeCredentials, platform } = launch.grant;
    const known = [
      ...Object.values(settings.confidential),
      ...[storeCredentials?.secretAccessKey, storeCredentials?.sessionToken, platform?.token],
    ];
    this.#values = new Set(known.filter((value): value is string => typeof value === "string" && value !== ""));
    this.#secretName = secretName;
    this.#settings = settings;
  }

  /** The variables as a container has them: in clear text unless they give something away. */
  variables(environment: Readonly<Record<string, string>>): Json[] {
    return Object.entries(environment).map(([name, value]) => {
      if (!this.#values.has(value)) return { name, value };
      if (this.#settings.confidential[name] === value) return reference(name, CONFIDENTIAL_SECRET, name);
      return reference(name, this.#secretName, this.#keep(Buffer.from(value)));
    });
  }

  /** The variables that a task's secrets become. */
  secretVariables(secrets: readonly TaskSecret[]): Json[] {
    return secrets.flatMap((secret) => {
      const path = secret.fileVariable && {
        name: secret.fileVariable,
        value: `${SECRETS_FOLDER}/${secret.file ?? ""}`,
      };
      const values = secret.variables.map((name) => reference(name, this.#secretName, this.#keep(secret.value)));
      return path ? [...values, path] : values;
    });
  }

  /** Lays secrets that are files into the containers: the task's own, and those of the cluster. */
  withFiles(
    spec: Json,
    secrets: readonly TaskSecret[],
    more: readonly Json[],
    isFor: (container: unknown) => boolean,
  ): Json {
    const items = secrets.flatMap(({ file, value }) =>
      file === undefined ? [] : [{ key: this.#keep(value), path: safe(file) }],
    );
    const own = items.length === 0 ? [] : [{ secret: { name: this.#secretName, items } }];
    const sources = [...own, ...more];
    if (sources.length === 0) return spec;
    const volume = { name: VOLUME, projected: { defaultMode: FILE_MODE, sources } };
    return addVolume(spec, volume, { name: VOLUME, mountPath: SECRETS_FOLDER, readOnly: true }, isFor);
  }

  /** The Secret with all that was gathered; undefined when that is nothing. */
  toSecret(metadata: NonNullable<V1Secret["metadata"]>): V1Secret | undefined {
    if (Object.keys(this.#data).length === 0) return undefined;
    return { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", immutable: true, data: { ...this.#data } };
  }

  /** The key under which the value is kept; the same value is kept once. */
  #keep(value: Uint8Array): string {
    const data = Buffer.from(value).toString("base64");
    const known = Object.keys(this.#data).find((key) => this.#data[key] === data);
    if (known !== undefined) return known;
    const key = `value-${Object.keys(this.#data).length}`;
    this.#data[key] = data;
    return key;
  }
}

const reference = (name: string, secret: string, key: string): Json => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** Kubernetes refuses such a path for the whole pod, and in words that nobody understands. */
function safe(file: string): string {
  if (!file.startsWith("/") && !file.split("/").includes("..")) return file;
  throw new SkeinError(
    "invalid_argument",
    "secret_path_invalid",
    `A secret cannot be the file ${JSON.stringify(file)}`,
  );
}
