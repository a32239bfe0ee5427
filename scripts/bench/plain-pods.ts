import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { createInterface } from "node:readline";

/** Pods by the plain API of Kubernetes, as the leanest program would make them: one watch, one create and one delete each. */
export interface PlainPods {
  /** Creates `count` pods at once and resolves when all have succeeded. */
  run(names: readonly string[]): Promise<void>;
  close(): void;
}

export interface PlainPodsOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly image: string;
  readonly command: readonly string[];
}

interface PodStatus {
  readonly phase?: string;
  readonly containerStatuses?: readonly { readonly state: { readonly terminated?: { readonly exitCode: number } } }[];
}

interface PodEvent {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string }; readonly status: PodStatus };
}

/** Opens the watch; the namespace must be there. Rejects nothing later: a watch that the server ends is opened again. */
export async function openPlainPods(options: PlainPodsOptions): Promise<PlainPods> {
  const connection = readConnection(options.kubeconfig);
  const path = `/api/v1/namespaces/${options.namespace}/pods`;
  const waiting = new Map<string, () => void>();
  let isClosed = false;
  let watch: IncomingMessage | undefined;
  const openWatch = async (): Promise<void> => {
    watch = await open({ ...connection, path: `${path}?watch=true&resourceVersion=0`, method: "GET" });
    watch.once("close", () => {
      if (!isClosed) void openWatch();
    });
    createInterface({ input: watch }).on("line", (line) => {
      const { type, object } = JSON.parse(line) as PodEvent;
      if (type === "ERROR") watch?.destroy();
      else if (isOver(object)) waiting.get(object.metadata.name)?.();
    });
  };
  await openWatch();
  const runOne = async (name: string): Promise<void> => {
    const hasEnded = new Promise<void>((resolve) => waiting.set(name, resolve));
    await ask({ ...connection, path, method: "POST" }, podOf(name, options));
    await hasEnded;
    waiting.delete(name);
    const grace = { gracePeriodSeconds: 0 };
    await ask({ ...connection, path: `${path}/${name}`, method: "DELETE" }, grace);
  };
  return {
    run: async (names) => {
      await Promise.all(names.map(runOne));
    },
    close: () => {
      isClosed = true;
      watch?.destroy();
      connection.agent.destroy();
    },
  };
}

/** A container's end is known about a second before the pod's phase says so. */
const isOver = ({ status }: PodEvent["object"]): boolean =>
  status.phase === "Succeeded" || status.containerStatuses?.[0]?.state.terminated?.exitCode === 0;

/** As a person writes it who keeps the rules of the namespace, which are those that Skein's own pods are held to. */
const podOf = (name: string, { image, command }: PlainPodsOptions) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "main",
        image,
        command,
        resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "2", memory: "1Gi" } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
});

/** `admin.kubeconfig` of kube-cluster: one cluster and one user, certificates in the file. */
function readConnection(path: string) {
  const text = readFileSync(path, "utf8");
  const field = (name: string): string => {
    const found = new RegExp(`${name}: "?([^",} \\n]+)`).exec(text)?.[1];
    if (found === undefined) throw new Error(`${path} has no ${name}`);
    return found;
  };
  const pem = (name: string): Buffer => Buffer.from(field(name), "base64");
  const { hostname, port } = new URL(field("server"));
  const agent = new Agent({
    keepAlive: true,
    ca: pem("certificate-authority-data"),
    cert: pem("client-certificate-data"),
    key: pem("client-key-data"),
  });
  return { hostname, port, agent, headers: { "content-type": "application/json" } };
}

interface Asked extends RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
}

const open = (options: Asked, body?: object): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const text = body && JSON.stringify(body);
    // Node sends the body of a DELETE without saying how long it is.
    const headers = { ...options.headers, ...(text && { "content-length": Buffer.byteLength(text) }) };
    const asked = request({ ...options, headers }, async (answer) => {
      if ((answer.statusCode ?? 500) < 300) return resolve(answer);
      const said = await answer.setEncoding("utf8").toArray();
      reject(new Error(`${options.method} ${options.path} answered ${answer.statusCode}: ${said.join("")}`));
    });
    asked.on("error", reject);
    asked.end(text);
  });

async function ask(options: Asked, body: object): Promise<void> {
  const answer = await open(options, body);
  answer.resume();
  await new Promise((resolve) => answer.once("end", resolve));
}
