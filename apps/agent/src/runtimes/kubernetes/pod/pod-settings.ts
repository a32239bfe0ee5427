import type { ClaimGrant } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { parse } from "yaml";
import { z } from "zod";
import { NamespaceRules } from "../namespace/namespace-rules.ts";
import { ACCELERATOR_DEVICES } from "./accelerator-devices.ts";
import { shapeProblems } from "./check-shape.ts";
import { isJson, type Json } from "./json.ts";

/** A part of a manifest, of the client's model for it. */
const manifest = (model: string) =>
  z.custom<Json>(isJson, "must be an object").superRefine((value, { addIssue }) => {
    for (const problem of shapeProblems(value, model, "it")) addIssue(problem);
  });
const TextMap = z.record(z.string(), z.string());

/** Where pods may run; it is added to whatever the task's own pod asks for, and cannot be dodged by it. */
const Placement = z.strictObject({
  nodeSelector: TextMap.default({}),
  tolerations: z.array(manifest("V1Toleration")).default([]),
  /** All of them hold. */
  nodeRequirements: z.array(manifest("V1NodeSelectorRequirement")).default([]),
});
export type Placement = z.infer<typeof Placement>;

const Resources = z.strictObject({ requests: TextMap.default({}), limits: TextMap.default({}) });

/** What an administrator says about all pods of a launcher: the contents of one YAML file. */
export const PodRules = z.strictObject({
  /** The level of Kubernetes' Pod Security Standards that pods are held to, after all merging. */
  podSecurity: z.enum(["restricted", "baseline", "privileged"]).default("restricted"),
  /** Who containers run as that name no user; `image` leaves it to the image, which must then name a numeric user. 1000 is the user of flytekit's images. */
  runAsUser: z
    .union([
      z
        .int()
        .min(1)
        .max(2 ** 31 - 1),
      z.literal("image"),
    ])
    .default(1000),
  /** A pod template (`metadata` and `spec`) below everything that tasks say. */
  podTemplate: manifest("V1PodTemplateSpec").default({
    metadata: { annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" } },
  }),
  /** Holds for all pods. */
  placement: Placement.prefault({}),
  /** Holds for interruptible tasks: spot nodes. */
  interruptible: Placement.prefault({}),
  /** Holds for all others. */
  uninterruptible: Placement.prefault({}),
  /** Set on every pod; a task cannot choose another one. */
  runtimeClassName: z.string().optional(),
  schedulerName: z.string().optional(),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional(),
  serviceAccounts: z
    .strictObject({
      default: z.string().default("default"),
      /** Beside the default; unless given, any of the namespace, and none where all projects share one. */
      allowed: z.array(z.string()).optional(),
      /** Whether a pod may have a token for Kubernetes' own API. Roles of a cloud (IRSA and its like) need none. */
      mayMountToken: z.boolean().default(false),
    })
    .prefault({}),
  /** Where all projects share a namespace a task could reach what belongs to others, and these are the exceptions. Elsewhere a task may name whatever is in its namespace. */
  shared: z
    .strictObject({
      /** Secrets, ConfigMaps and PersistentVolumeClaims. */
      names: z.array(z.string()).default([]),
      /** Labels of tasks and runs: any other could make a pod the backend of somebody's Service. They become annotations. */
      labels: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Of the primary container, where the task says nothing. */
  defaultResources: Resources.prefault({
    requests: { cpu: "100m", memory: "256Mi" },
    limits: { cpu: "2", memory: "1Gi" },
  }),
  /** No container may ask for more, by the name of the resource. */
  resourcesMax: TextMap.default({}),
  gpu: z
    .strictObject({
      resourceName: z.string().default("nvidia.com/gpu"),
      deviceLabel: z.string().default("k8s.amazonaws.com/accelerator"),
      partitionSizeLabel: z.string().default("k8s.amazonaws.com/gpu-partition-size"),
      /** What nodes call a device, by the device's name in capitals. */
      devices: TextMap.default(ACCELERATOR_DEVICES),
      unpartitioned: manifest("V1NodeSelectorRequirement").optional(),
      unpartitionedToleration: manifest("V1Toleration").optional(),
    })
    .prefault({}),
  /** Tolerations that come with asking for a resource, by its name. */
  resourceTolerations: z.record(z.string(), z.array(manifest("V1Toleration"))).default({}),
  copilot: z
    .strictObject({
      resources: Resources.prefault({
        requests: { cpu: "100m", memory: "128Mi" },
        limits: { cpu: "1", memory: "256Mi" },
      }),
      /** How long outputs may take to upload, once the task ended. */
      uploadSeconds: z.int().min(1).max(86_400).default(600),
    })
    .prefault({}),
  namespaces: NamespaceRules.prefault({}),
  /** A pod ends itself this long after its task's timeout, should nobody else do it. */
  deadlineSlackSeconds: z.int().min(0).max(86_400).default(300),
});
export type PodRules = z.output<typeof PodRules>;

/** All that stands beside a launch when its pod is made. */
export interface PodSettings {
  readonly agentId: string;
  /** One namespace for all projects; undefined: one for each project and domain. */
  readonly namespace: string | undefined;
  readonly rules: PodRules;
  /** Holds the program `copilot` as its entrypoint; undefined where raw containers cannot run. */
  readonly copilotImage: string | undefined;
  /** What copilot needs to reach the object store for a grant: SKEIN_STORAGE, credentials, endpoints. */
  readonly copilotEnvironment: (grant: ClaimGrant) => Readonly<Record<string, string>>;
  /** Variables of tasks that nobody else may read and that are the same for all: static keys of the object store. */
  readonly confidential: Readonly<Record<string, string>>;
  /** Whether secrets that the api does not know are looked for among the namespace's own Secrets, the group being the Secret's name. */
  readonly usesClusterSecrets: boolean;
}

/** Reads the administrator's file; failed_precondition names every problem. Empty text means the defaults. */
export function readPodRules(text: string): PodRules {
  const parsed = PodRules.safeParse(readYaml(text) ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
  throw invalid(problems.join("; "));
}

function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

const invalid = (problem: string): SkeinError =>
  new SkeinError("failed_precondition", "pod_rules_invalid", `The rules for pods cannot be used: ${problem}`);
