import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { V1Container, V1Pod } from "@kubernetes/client-node";
import type { ClaimGrant } from "@skein/contracts";
import { type K8sPodSchema, TaskTemplateSchema } from "@skein/idl/core";
import { AttemptFolder } from "../../../ledger/attempt-folder.ts";
import type { Launch } from "../../runtime.ts";
import { type PodSettings, readPodRules } from "./pod-settings.ts";

/** Any try of any action. */
export const ATTEMPT = { runId: "01990000-0000-7000-8000-000000000001", ordinal: 2, attempt: 0 };

type Template = MessageInitShape<typeof TaskTemplateSchema>;

/** What a test says of a launch; the rest is as usual. */
export interface LaunchChange extends Partial<Omit<Launch, "grant" | "template">> {
  readonly grant?: Partial<ClaimGrant>;
  readonly template?: Template;
}

export const GRANT: ClaimGrant = {
  taskTemplate: "",
  inputs: { data: "" },
  org: "",
  project: "flights",
  domain: "development",
  runName: "frun",
  actionName: "n0",
  workflowKey: "flights:development:book.everything",
  environment: {},
  outputPrefix: "s3://bucket/meta/frun/n0/0",
  rawOutputPrefix: "s3://bucket/raw/frun/n0/0",
  previousCheckpointPrefix: null,
  arrayIndex: null,
  platform: null,
  secrets: [],
  storeCredentials: null,
  labels: {},
  annotations: {},
  interruptible: false,
  timeoutMs: 0,
};

/** A launch of a container task in the object store. */
export function makeLaunch({ grant, template, ...change }: LaunchChange = {}): Launch {
  const places: Readonly<Record<string, string>> = {
    "{{.input}}": "s3://bucket/meta/frun/n0/0/inputs.pb",
    "{{.outputPrefix}}": GRANT.outputPrefix,
    "{{.rawOutputDataPrefix}}": GRANT.rawOutputPrefix,
  };
  return {
    folder: new AttemptFolder("/nowhere", ATTEMPT),
    image: "example.com/image:1",
    command: [],
    args: ["run"],
    environment: {},
    limits: {},
    readable: [],
    writable: [],
    mounts: {},
    callsHost: false,
    secrets: [],
    render: (words) => words.map((word) => places[word] ?? word),
    ...change,
    template: create(TaskTemplateSchema, template ?? { target: { case: "container", value: {} } }),
    grant: { ...GRANT, ...grant },
  };
}

/** A task that is a pod, with its containers and whatever else its spec says. */
export const podTask = (podSpec: object, primary = "main", more: MessageInitShape<typeof K8sPodSchema> = {}) => ({
  type: "sidecar",
  config: { primary_container_name: primary },
  target: { case: "k8sPod" as const, value: { ...more, podSpec: JSON.parse(JSON.stringify(podSpec)) } },
});

/** Settings whose rules are `rules` (YAML or JSON). */
export const makeSettings = (rules: object = {}, change: Partial<PodSettings> = {}): PodSettings => ({
  agentId: "launcher",
  namespace: undefined,
  rules: readPodRules(JSON.stringify(rules)),
  copilotImage: "example.com/copilot:1",
  copilotEnvironment: () => ({ SKEIN_STORAGE: "s3://bucket" }),
  confidential: {},
  usesClusterSecrets: false,
  ...change,
});

/** A container of a pod by its name, init containers included. */
export function containerOf({ spec }: V1Pod, name = "primary"): V1Container {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const found = all.find((container) => container.name === name);
  if (!found) throw new Error(`no container ${name} among ${all.map((one) => one.name)}`);
  return found;
}
