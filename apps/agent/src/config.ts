import { env, flag, portNumber, readBy, sharedFields, storageFields, wholeNumber } from "@skein/config";
import { RUNTIMES, UNLIMITED } from "@skein/contracts";
import { z } from "zod";
import { readConnectors } from "./connectors/connector-config.ts";
import { secretSources } from "./secrets/source-field.ts";
import { readQuantity } from "./task/resources.ts";

const absolutePath = () => z.string().startsWith("/", "must be an absolute path");
const folderList = () =>
  z
    .string()
    .transform((text) => text.split(":").filter((folder) => folder !== ""))
    .pipe(z.array(z.string().startsWith("/", "must be absolute paths, separated by colons")));

/** A Kubernetes quantity, kept in whole numbers of a smaller unit. */
const amount = (unitsPerOne: number) =>
  z.string().transform((text, context) => {
    if (text === "unlimited") return UNLIMITED;
    const units = Math.floor((readQuantity(text) ?? Number.NaN) * unitsPerOne);
    if (units >= 0 && units < UNLIMITED) return units;
    context.addIssue({ code: "custom", message: "must be a quantity such as 4, 500m or 16Gi, or unlimited" });
    return z.NEVER;
  });

const labels = () =>
  z.string().transform((text, context): Readonly<Record<string, string>> => {
    const pairs = text.split(",").map((pair) => /^([^=]{1,63})=(.{0,255})$/.exec(pair.trim()));
    if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
    context.addIssue({ code: "custom", message: "must be name=value, separated by commas" });
    return z.NEVER;
  });

/** Everything an agent can be told. */
export const AgentConfig = z.object({
  logLevel: sharedFields.logLevel,
  pool: sharedFields.pool,
  redisUrl: sharedFields.redisUrl,
  queueDatabaseUrl: sharedFields.queueDatabaseUrl,
  queuePrefix: sharedFields.queuePrefix,
  ...storageFields,
  metricsPort: portNumber()
    .optional()
    .describe("Serves /metrics, /livez and /readyz on this port")
    .meta({ example: "9092" }),
  metricsHost: sharedFields.metricsHost,
  apiUrl: z
    .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
    .describe("Where the api listens")
    .meta({ example: "http://localhost:8088" }),
  taskApiUrl: z
    .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
    .optional()
    .describe(
      "Where eager workflows, which are clients of the api, reach it; unless given the address that the agent uses, and host.docker.internal where that is this machine and tasks are containers",
    )
    .meta({ example: "https://skein.example.com" }),
  agentToken: z.string().min(1).describe("The agent token that the api gave out").meta({ example: "ska_…" }),
  agentSecretsSources: secretSources(),
  agentHome: absolutePath()
    .describe("Where attempts live while they run; one agent per folder")
    .meta({ example: "/var/lib/skein/agent" }),
  agentId: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/, "must be letters, digits, '.', '_' and '-', at most 128")
    .optional()
    .describe("The agent's name, the same after a restart; made up once and kept in its home unless given"),
  agentSlots: wholeNumber(1, 10_000)
    .optional()
    .describe("How many attempts run at once; the number of processors unless given, 1000 for pods")
    .meta({ example: "4" }),
  agentCpu: amount(1000)
    .optional()
    .describe(
      "Processors that attempts may ask for together, or unlimited; the machine's unless given, unlimited for pods",
    )
    .meta({ example: "8, 7500m" }),
  agentMemory: amount(2 ** -20)
    .optional()
    .describe("Memory that attempts may ask for together, or unlimited; the machine's unless given, unlimited for pods")
    .meta({ example: "30Gi" }),
  agentGpus: amount(1)
    .optional()
    .describe("GPUs that attempts may ask for together, or unlimited; none unless given, unlimited for pods")
    .meta({ example: "2" }),
  agentLabels: labels()
    .optional()
    .describe("What people should know of this agent when they look for it; says nothing about which orders it takes")
    .meta({ example: "zone=eu-west-1a,disk=nvme" }),
  agentClientSlots: wholeNumber(0, 10_000)
    .default(16)
    .describe(
      "How many eager workflows run beside the slots: they wait for runs that they launched, which need slots. More take slots themselves",
    ),
  connectors: readBy(readConnectors)
    .optional()
    .describe(
      "Connectors (flytekit's agents) that do the types of tasks which they serve: host:port, separated by commas, or a JSON array of objects with endpoint, name, insecure, caFile, tokenFile, headers, headerFiles, timeoutSeconds, pollSeconds and taskTypes: see the documentation",
    )
    .meta({ example: "localhost:8000" }),
  connectorSlots: wholeNumber(1, 10_000)
    .default(100)
    .describe(
      "How many tasks connectors do at once for this agent beside its slots, polled ones and those of one call each. More take slots",
    ),
  drainSeconds: wholeNumber(0, 86_400)
    .optional()
    .describe(
      "How long to wait for running tasks at the end; what still runs then is taken over by the next start. 30 unless given, 0 for pods, which need no agent to go on",
    ),
  endTasks: flag()
    .prefault("false")
    .describe(
      "Kill what still runs at the end, instead of leaving it to the next start; killed attempts are tried again",
    ),
  runtime: z.enum(RUNTIMES).default("process").describe("What an attempt becomes"),
  outputBytesMax: wholeNumber(1, 1_000_000_000)
    .default(10 * 1024 * 1024)
    .describe("A task whose outputs.pb is larger fails with OutputSizeExceeded"),
  home: absolutePath()
    .optional()
    .describe("Skein's own folder on this machine, hidden from tasks that bubblewrap isolates"),
  hiddenFolders: folderList()
    .optional()
    .describe("More folders to hide from tasks that bubblewrap isolates")
    .meta({ example: "/srv/keys" }),
  isolation: z
    .enum(["auto", "bwrap", "none"])
    .default("auto")
    .describe(
      "Process runtime: isolate tasks with bubblewrap; auto does so where it works. Tasks keep the agent's account (root, if it is root), without any capability: they read what it may read, except /run and hidden folders, and write only their own folders, /tmp and raw output prefix; they see no other process. The network is the machine's",
    ),
  taskPath: folderList()
    .optional()
    .describe("Process runtime: folders in front of a task's PATH, separated by colons")
    .meta({ example: "/opt/venvs/flytekit/bin" }),
  path: z.string().default("/usr/local/bin:/usr/bin:/bin").describe("Process runtime: the rest of a task's PATH"),
  lang: z.string().default("C.UTF-8").describe("A task's LANG"),
  tz: z.string().optional().describe("A task's TZ"),
  taskCredentials: z
    .enum(["own", "inherit"])
    .default("own")
    .describe("Credentials of tasks for the object store: own takes SKEIN_TASK_*, inherit gives them the agent's keys"),
  taskAwsAccessKeyId: z.string().optional().describe("S3 access key that tasks get"),
  taskAwsSecretAccessKey: z.string().optional().describe("S3 secret key that tasks get"),
  taskAwsSessionToken: z.string().optional().describe("S3 session token that tasks get"),
  taskGoogleKeyFile: absolutePath()
    .optional()
    .describe("Where tasks find a service account's key for Google Cloud Storage; without it they use who they are")
    .meta({ example: "/etc/skein/task-key.json" }),
  taskAzureAccountKey: z.string().optional().describe("Key of Azure's storage account that tasks get"),
  taskAzureSasToken: z
    .string()
    .optional()
    .describe("Shared access signature for Azure's container that tasks get instead of a key"),
  dockerHost: z
    .string()
    .optional()
    .describe(
      "The Docker daemon or podman service: unix:///path or tcp://host:port. Unless given the first that answers of /var/run/docker.sock, docker.sock and podman/podman.sock in XDG_RUNTIME_DIR, and /run/podman/podman.sock",
    )
    .meta({ example: "unix:///run/user/1000/podman/podman.sock" }),
  runtimeFolder: absolutePath().optional().describe("Where daemons of this account listen"),
  dockerPull: z
    .enum(["IfNotPresent", "Always", "Never"])
    .default("IfNotPresent")
    .describe("When to pull a task's image"),
  dockerAuthFile: z
    .string()
    .optional()
    .describe("Registry credentials, in the form of ~/.docker/config.json")
    .meta({ example: "/etc/skein/docker.json" }),
  dockerNetwork: z.string().default("bridge").describe("The network of task containers"),
  dockerUser: z
    .string()
    .regex(/^(auto|image|\d+(:\d+)?)$/, "must be auto, image or uid[:gid]")
    .default("auto")
    .describe(
      "Who a container runs as. auto: the image's own user unless that is root, then the agent's account, and for an agent that is root 65532:65532; such a task has its working folder as HOME. image: what the image says, even root. Or uid[:gid]",
    )
    .meta({ example: "1000:1000" }),
  dockerReadOnlyRoot: flag()
    .prefault("false")
    .describe(
      "Mount a container's own files read-only: a task then writes only its working folder, /tmp, its outputs and its raw output prefix. For images that write nowhere else",
    ),
  kubernetesConfig: absolutePath()
    .optional()
    .describe(
      "Kubernetes runtime: a kubeconfig file; unless given the pod's own account, and outside of a cluster what kubectl uses",
    )
    .meta({ example: "/etc/skein/kubeconfig" }),
  kubernetesNamespace: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be the name of a namespace")
    .optional()
    .describe("One namespace for the pods of all projects; unless given each project and domain has its own"),
  kubernetesMakeNamespaces: flag()
    .prefault("true")
    .describe(
      "Make the namespaces of projects, with quota, account and network policy; false when they are there already",
    ),
  kubernetesRulesFile: absolutePath()
    .optional()
    .describe("A YAML file with an administrator's rules for pods and namespaces: see the documentation")
    .meta({ example: "/etc/skein/pods.yaml" }),
  kubernetesCopilotImage: z
    .string()
    .min(1)
    .optional()
    .describe("The image of copilot, which moves the data of raw containers; without it they cannot run as pods")
    .meta({ example: "registry.example.com/skein-copilot:1.0.0" }),
  kubernetesClusterSecrets: flag()
    .prefault("false")
    .describe(
      "Take secrets that the server does not know from the Secrets of the task's namespace: the group is the Secret's name",
    ),
  kubernetesImagePullGraceSeconds: wholeNumber(0, 86_400)
    .default(180)
    .describe("How long a node may fail to pull an image before the attempt fails"),
  kubernetesCreateGraceSeconds: wholeNumber(0, 86_400)
    .default(60)
    .describe(
      "How long a node may fail to make a container, as for a Secret that is not there, before the attempt fails",
    ),
  kubernetesPendingSecondsMax: wholeNumber(0, 31_536_000)
    .default(0)
    .describe("How long a pod may wait for a node and its start before the attempt is tried again; 0: for ever"),
  kubernetesNodeLostSeconds: wholeNumber(1, 86_400)
    .default(120)
    .describe("How long a node may be out of touch before its attempts count as lost and are tried elsewhere"),
});
export type AgentConfig = z.output<typeof AgentConfig>;

/** Variables whose names people know. */
export const agentConfigNames = {
  path: "PATH",
  lang: "LANG",
  tz: "TZ",
  dockerHost: "DOCKER_HOST",
  runtimeFolder: "XDG_RUNTIME_DIR",
};

/** Reads the agent's variables; one error lists every problem. */
export const readAgentConfig = env(AgentConfig, { names: agentConfigNames });
