import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTempFolder, findTool, requireKubernetes, requireTool, startKubernetes, waitFor } from "@skein/testing";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { ClusterRequest } from "./cluster-client.ts";
import { namespaceIn, openLauncher } from "./launcher.testsuite.ts";

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
}
interface Role {
  readonly kind: string;
  readonly rules?: Rule[];
}

const CHART = new URL("../../../../../deploy/helm/skein", import.meta.url).pathname;
/** What a chart asks of anybody who installs it, and has nothing to do with the role. */
const VALUES = {
  ...{ "storage.uri": "s3://bucket", "database.url": "postgres://db/skein", "auth.allowAnonymous": "true" },
  "secretKey.value": "0123456789abcdef0123456789abcdef",
};
const canRun = requireKubernetes() && requireTool("helm", "go install helm.sh/helm/v3/cmd/helm@v3.22.0") !== undefined;

/** `group resource verb` of each thing that the launcher of the chart may do. */
async function grantedBy(values: Readonly<Record<string, string>>): Promise<{ role: Role; granted: string[] }> {
  const sets = Object.entries({ ...VALUES, ...values }).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const only = ["--show-only", "templates/launcher-rbac.yaml", "--kube-version", "1.34.0"];
  const { stdout } = await promisify(execFile)(findTool("helm") ?? "", ["template", "skein", CHART, ...only, ...sets]);
  const documents = parseAllDocuments(stdout).map((document) => document.toJS() as Role);
  const role = documents.find(({ kind }) => kind === "ClusterRole" || kind === "Role");
  if (!role?.rules) throw new Error("the chart has no role for launchers");
  const granted = role.rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group} ${resource} ${verb}`))),
  );
  return { role, granted: granted.sort() };
}

/** As Kubernetes itself names what a request does. */
function permissionsOf({ method, path, query }: ClusterRequest): string[] {
  const [, group = "", rest = ""] = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(.*)$/.exec(path) ?? [];
  const isNamespace = /^namespaces(\/[^/]+)?$/.test(rest);
  const parts = (isNamespace ? rest : rest.replace(/^namespaces\/[^/]+\//, "")).split("/");
  const [resource = "", name, subresource] = parts;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const say = (verb: string) => `${group} ${what} ${verb}`;
  if (method === "GET" && name === undefined) return [say(query?.watch === "true" ? "watch" : "list")];
  // Applying is patching, and creating where there is nothing yet.
  const verbs = { GET: ["get"], POST: ["create"], PATCH: ["patch", "create"], DELETE: ["delete"] }[method];
  return verbs.map(say);
}

describe.skipIf(!canRun)("the role that the chart gives to launchers", { timeout: 120_000 }, () => {
  for (const isSingle of [false, true]) {
    test(`is enough for all they do and not a verb more, with ${isSingle ? "one namespace" : "a namespace for each project"}`, async () => {
      const cluster = await startKubernetes();
      const account = await cluster.createNamespace();
      const temp = createTempFolder("role");
      const name = `launcher-${account.name}`;
      const namespace = isSingle ? account.name : undefined;
      const { role, granted } = await grantedBy(namespace === undefined ? {} : { "tasks.namespace": namespace });
      const [api, metadata] = ["rbac.authorization.k8s.io", { name, ...(isSingle ? { namespace } : {}) }];
      await cluster.apply(
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: account.name } },
        { ...role, metadata },
        {
          ...{ apiVersion: `${api}/v1`, kind: `${role.kind}Binding`, metadata },
          roleRef: { apiGroup: api, kind: role.kind, name },
          subjects: [{ kind: "ServiceAccount", name, namespace: account.name }],
        },
      );
      const project = `${isSingle ? "one" : "role"}${process.pid}`;
      const place = namespace ?? namespaceIn(project);
      const token = await cluster.kubectl("-n", account.name, "create", "token", name);
      const kubeconfig = join(temp.path, "kubeconfig");
      writeFileSync(kubeconfig, configWith(cluster.kubeconfig, token.trim()));
      const confidential = { AWS_SECRET_ACCESS_KEY: "secret" };
      const pods = { ...(namespace === undefined ? {} : { namespace }), confidential };
      const launcher = await openLauncher({
        cluster,
        project,
        kubeconfig,
        pods,
        settings: { makesNamespaces: !isSingle },
      });
      const { runtime } = launcher;

      const first = await launcher.start("sleep 1000");
      const template = { containers: [{ name: "default", image: "x:1" }] };
      await cluster.apply({
        ...{ apiVersion: "v1", kind: "PodTemplate", metadata: { name: "mine", namespace: place } },
        template: { spec: template },
      });
      const value = Buffer.from("s");
      const secret = {
        group: "g",
        version: "",
        key: "k",
        value,
        variables: ["V"],
        file: undefined,
        fileVariable: undefined,
      };
      const second = await launcher.start("echo done", {
        secrets: [secret],
        template: { metadata: { podTemplateName: "mine" }, target: { case: "container", value: {} } },
      });
      expect(await runtime.watch(second.folder)).toEqual({ type: "exited", code: 0 });
      expect(await launcher.log(second)).toBe("done\n");
      expect(await runtime.start({ ...second })).toBeUndefined();
      await runtime.cleanup(second.folder);
      await runtime.stop(first.folder, 1_000);
      await runtime.watch(first.folder);
      await runtime.removeOrphans(new Set());
      const done = () => new Set(launcher.requests.flatMap(permissionsOf));
      await waitFor(() => done().has(" pods watch"));
      expect([...done()].sort()).toEqual(granted);

      await launcher.close();
      if (!isSingle) await cluster.kubectl("delete", "namespace", place, "--wait=false");
      await cluster.kubectl("delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found");
      await Promise.all([account.close(), temp.close()]);
    });
  }
});

/** The same cluster, as somebody else. */
function configWith(kubeconfig: string, token: string): string {
  const [document] = parseAllDocuments(readFileSync(kubeconfig, "utf8"));
  const config = document?.toJS() as { users: { name: string }[] };
  return JSON.stringify({ ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) });
}
