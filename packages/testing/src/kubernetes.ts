import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findTool, requireTool } from "./require-tool.ts";

export interface TestNamespace {
  readonly name: string;
  close(): Promise<void>;
}

/** A real one-node Kubernetes. Pods reach servers of a test that listen at `hostAddress`; nothing can be pulled. */
export interface TestKubernetes {
  readonly kubeconfig: string;
  readonly apiUrl: string;
  /** This machine as pods see it; also by the name `host.test`. */
  readonly hostAddress: string;
  /** Answers what it printed; an error holds what it printed to stderr. */
  kubectl(...args: string[]): Promise<string>;
  /** Objects as `kubectl apply -f -` takes them. */
  apply(...objects: readonly object[]): Promise<string>;
  /** Posts an object where no kind of its own is kept, as an eviction. */
  create(path: string, object: object): Promise<string>;
  /** Imports what `docker save` wrote. Tags other than `latest`, or nodes try to pull. */
  loadImage(archive: string): Promise<void>;
  /** Makes an image of one layer from a folder; one of that name that is there already stays as it is. */
  imageFromFolder(name: string, rootfs: string, start?: { entrypoint?: string[]; command?: string[] }): Promise<void>;
  createNamespace(labels?: Readonly<Record<string, string>>): Promise<TestNamespace>;
}

/** A cluster of a test's own, for what would disturb others. */
export interface OwnKubernetes extends TestKubernetes {
  /** Holds `run/<part>.pid` for `kubelet`, `kube-apiserver` and the rest. */
  readonly folder: string;
  /** Starts what is not running. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** In every cluster from the start. */
export const BUSYBOX_IMAGE = "docker.io/library/busybox:1.35";

/** The one that all test files of this machine share. */
const SHARED = { name: "k8s", net: "10.88", folder: "/tmp/skein-test-kube" };
const RUN_VARIABLE = "SKEIN_TEST_RUN_PID";
const INSTALL = "the tools kube-cluster, kube, pause and coredns in a folder on PATH";
const PACKAGES = {
  etcd: "etcd-server",
  containerd: "containerd",
  runc: "runc",
  iptables: "iptables",
  conntrack: "conntrack",
  ip: "iproute2",
  openssl: "openssl",
};

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/** Whether a cluster can be started here; says what is missing if not. */
export function requireKubernetes(): boolean {
  const found = ["kube-cluster", "kube", "coredns", "pause"].map((tool) => requireTool(tool, INSTALL));
  for (const [tool, debian] of Object.entries(PACKAGES)) found.push(requireTool(tool, `apt-get install ${debian}`));
  if (found.includes(undefined)) return false;
  if (userInfo().uid === 0) return true;
  if (process.env.CI === "true") throw new Error("A Kubernetes cluster can only be started by root");
  process.stderr.write("skipped: a Kubernetes cluster can only be started by root\n");
  return false;
}

/**
 * The machine's one shared cluster: started by whoever comes first, wiped when the last test run that used it is over.
 * Take a namespace for each test, and leave nodes and other namespaces as they are. Check `requireKubernetes()` first.
 */
export async function startKubernetes(): Promise<TestKubernetes> {
  await startCluster(SHARED, Number(process.env[RUN_VARIABLE] ?? process.pid));
  return clusterIn(SHARED);
}

/** A cluster that one test file may break. `net` is the start of its addresses, like `10.92`. */
export async function startOwnKubernetes(name: string, net: string): Promise<OwnKubernetes> {
  const place = { name, net, folder: `/tmp/skein-test-kube-${name}` };
  const leash = leashCluster(place, process.pid);
  await startCluster(place, process.pid);
  return {
    ...clusterIn(place),
    folder: place.folder,
    start: () => startCluster(place, process.pid),
    close: () => leash.close(),
  };
}

/** Vitest's main process calls it before any worker starts; `close` wipes the shared cluster unless another run uses it. */
export function leashSharedKubernetes(): { close(): Promise<void> } {
  process.env[RUN_VARIABLE] = String(process.pid);
  return leashCluster(SHARED, process.pid);
}

interface Place {
  readonly name: string;
  readonly net: string;
  readonly folder: string;
}

/**
 * As `kube`, but a kubelet keeps to a part of the control groups of its own: it kills what it finds in its part and does not
 * know, such as the pods of another cluster.
 */
const OWN_CGROUPS = `#!/bin/sh
[ "$1" = kubelet ] || exec "$SKEIN_TEST_KUBE" "$@"
shift
for controller in /sys/fs/cgroup/*/; do
  mkdir -p "$controller$NAME" 2>/dev/null || continue
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$controller$file" ] || cat "$controller$file" >"$controller$NAME/$file"
  done
done
exec "$SKEIN_TEST_KUBE" kubelet "$@" "--cgroup-root=/$NAME"
`;

/** Under the lock, which the cluster must not inherit: says that the process $3 uses the folder $2, starts what is not running. */
const START = `exec 9>"$2.lock"; flock 9
mkdir -p "$2.users"; : >"$2.users/$3"
"$1" start "$2" 9>&-`;

async function startCluster(place: Place, user: number): Promise<void> {
  const wrapper = `${place.folder}.kube`;
  if (place !== SHARED) writeFileSync(wrapper, OWN_CGROUPS, { mode: 0o755 });
  const kube = place === SHARED ? {} : { KUBE: wrapper, SKEIN_TEST_KUBE: toolPath("kube") };
  const args = ["-c", START, "start", toolPath("kube-cluster"), place.folder, String(user)];
  await run("sh", args, { env: { ...environmentOf(place), ...kube }, maxBuffer: OUTPUT_BYTES_MAX });
}

const environmentOf = ({ name, net }: Place): NodeJS.ProcessEnv => ({ ...process.env, NAME: name, NET: net });

/**
 * Waits until our end of the stdin pipe closes, which the kernel does if nobody else; then wipes the cluster unless a
 * process that lives still uses it.
 */
const LEASH = `cat >/dev/null
exec 9>"$2.lock"; flock 9
rm -f "$2.users/$3"
for user in $(ls "$2.users" 2>/dev/null); do kill -0 "$user" 2>/dev/null && exit 0; done
[ ! -d "$2" ] || "$1" wipe "$2" 9>&-
for part in /sys/fs/cgroup/*/"$NAME"; do [ ! -d "$part" ] || find "$part" -depth -type d -exec rmdir {} \\; ; done
rm -rf "$2.users" "$2.kube"`;

function leashCluster(place: Place, user: number): { close(): Promise<void> } {
  const tool = findTool("kube-cluster");
  if (tool === undefined) return { close: async () => undefined };
  const stdio = ["pipe", "ignore", "ignore"] as const;
  const args = ["-c", LEASH, "leash", tool, place.folder, String(user)];
  const shell = spawn("sh", args, { stdio: [...stdio], detached: true, env: environmentOf(place) });
  const stdin = shell.stdin as Socket | null;
  shell.unref();
  stdin?.unref();
  return {
    close: async () => {
      shell.ref();
      stdin?.end();
      if (shell.exitCode === null) await once(shell, "exit");
    },
  };
}

function clusterIn(place: Place): TestKubernetes {
  const { net, folder } = place;
  const kubeconfig = join(folder, "admin.kubeconfig");
  const env = environmentOf(place);
  const cluster = async (verb: string, ...args: string[]): Promise<void> => {
    await run(toolPath("kube-cluster"), [verb, folder, ...args], { env, maxBuffer: OUTPUT_BYTES_MAX });
  };
  const kubectl = (args: readonly string[], input?: string) => runKubectl(kubeconfig, args, input);
  return {
    kubeconfig,
    apiUrl: `https://${net}.0.2:6443`,
    hostAddress: `${net}.0.1`,
    kubectl: (...args) => kubectl(args),
    apply: (...objects) =>
      kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })),
    create: (path, object) => kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(object)),
    loadImage: (archive) => cluster("load", archive),
    imageFromFolder: (image, rootfs, { entrypoint, command } = {}) =>
      cluster("image", image, rootfs, JSON.stringify(entrypoint ?? null), JSON.stringify(command ?? null)),
    createNamespace: async (labels = {}) => {
      const manifest = { apiVersion: "v1", kind: "Namespace", metadata: { generateName: "test-", labels } };
      const created = await kubectl(["create", "-f", "-", "-o", "name"], JSON.stringify(manifest));
      const namespace = created.trim().replace("namespace/", "");
      return {
        name: namespace,
        close: async () => void (await kubectl(["delete", "namespace", namespace, "--wait=false"])),
      };
    },
  };
}

function runKubectl(kubeconfig: string, args: readonly string[], input: string | undefined): Promise<string> {
  const words = ["kubectl", "--kubeconfig", kubeconfig, ...args];
  const running = run(toolPath("kube"), words, { maxBuffer: OUTPUT_BYTES_MAX });
  running.child.stdin?.end(input ?? "");
  return running.then(({ stdout }) => stdout);
}

function toolPath(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is missing: install ${INSTALL}`);
  return path;
}
