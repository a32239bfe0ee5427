import type { V1APIResourceList } from "@kubernetes/client-node";
import type { ClaimGrant } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type { ClusterClient } from "./cluster-client.ts";
import { confidentialManifest, type Manifest, namespaceManifests } from "./namespace/index.ts";
import type { PodSettings } from "./pod/index.ts";

const FIELD_MANAGER = "skein";
/** Everything built in; what else an administrator's templates name is asked for. */
const KNOWN_PATHS: Readonly<Record<string, string>> = {
  "v1 Namespace": "namespaces",
  "v1 ServiceAccount": "serviceaccounts",
  "v1 Secret": "secrets",
  "v1 ResourceQuota": "resourcequotas",
  "v1 LimitRange": "limitranges",
  "v1 ConfigMap": "configmaps",
  "networking.k8s.io/v1 NetworkPolicy": "networkpolicies",
};

/** Makes the namespaces that pods need: each once in the life of a launcher, and again when what is set for it has changed. */
export class NamespaceKeeper {
  readonly #client: ClusterClient;
  readonly #settings: PodSettings;
  readonly #isOurs: boolean;
  readonly #ready = new Map<string, { readonly done: Promise<void>; readonly values: string }>();

  /** `isOurs`: whether namespaces are to be made; else they are there, with whatever their owner wants in them. */
  constructor(client: ClusterClient, settings: PodSettings, isOurs: boolean) {
    this.#client = client;
    this.#settings = settings;
    this.#isOurs = isOurs;
  }

  /** Resolves when pods of the grant's project can be made there. */
  async prepare(
    namespace: string,
    { org, project, domain, policy }: Pick<ClaimGrant, "org" | "project" | "domain" | "policy">,
  ): Promise<void> {
    const ownValues = policy?.namespaceValues ?? {};
    const values = JSON.stringify(Object.entries(ownValues).sort());
    const known = this.#ready.get(namespace);
    if (known?.values === values) return await known.done;
    const done = this.#apply(namespace, { org, project, domain }, ownValues);
    this.#ready.set(namespace, { done, values });
    await done.catch((error: unknown) => {
      if (this.#ready.get(namespace)?.done === done) this.#ready.delete(namespace);
      throw error;
    });
  }

  /** It seems to be gone: the next pod has it made again. */
  forget(namespace: string): void {
    this.#ready.delete(namespace);
  }

  async #apply(
    namespace: string,
    owner: { org: string; project: string; domain: string },
    ownValues: Readonly<Record<string, string>>,
  ): Promise<void> {
    const confidential = confidentialManifest(namespace, this.#settings);
    const manifests = this.#isOurs
      ? namespaceManifests(namespace, owner, this.#settings, ownValues)
      : confidential === undefined
        ? []
        : [confidential];
    for (const manifest of manifests) {
      await this.#client.json({
        method: "PATCH",
        path: await this.#pathOf(manifest),
        query: { fieldManager: FIELD_MANAGER, force: "true" },
        // YAML, of which JSON is a part.
        contentType: "application/apply-patch+yaml",
        body: manifest,
      });
    }
  }

  async #pathOf({ apiVersion, kind, metadata }: Manifest): Promise<string> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const place = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
    const plural = KNOWN_PATHS[`${apiVersion} ${kind}`] ?? (await this.#plural(root, apiVersion, kind));
    return `${root}${place}/${plural}/${metadata.name}`;
  }

  async #plural(root: string, apiVersion: string, kind: string): Promise<string> {
    const { resources } = await this.#client.json<V1APIResourceList>({ method: "GET", path: root });
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (found) return found.name;
    throw new SkeinError(
      "failed_precondition",
      "namespace_kind_unknown",
      `The templates for namespaces name a ${kind} (${apiVersion}), which this cluster does not know`,
    );
  }
}
