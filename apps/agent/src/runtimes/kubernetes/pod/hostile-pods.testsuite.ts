import type { PodSettings } from "./pod-settings.ts";

/** A pod that some policy must refuse, as the task's author would write it. */
export interface HostilePod {
  readonly title: string;
  readonly spec: object;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the error names. */
  readonly named: string;
  /** The weakest of Kubernetes' standards that refuses it; undefined: it is our own rule, at every level. */
  readonly standard: PodSettings["rules"]["podSecurity"] | undefined;
}

type Standard = HostilePod["standard"];

const main = { name: "main", image: "example.com/image:1" };
const side = { name: "side", image: "example.com/side:1" };

const pod = (standard: Standard, title: string, named: string, spec: object): HostilePod => {
  return { title, named, standard, spec: { containers: [main], ...spec } };
};

/** The same hole in each kind of container, for it is the forgotten kind that an attacker uses. */
const everywhere = (standard: Standard, title: string, named: string, container: object): HostilePod[] => [
  pod(standard, `${title} in the task's container`, `container "main": ${named}`, {
    containers: [{ ...main, ...container }],
  }),
  pod(standard, `${title} in a sidecar`, `container "side": ${named}`, {
    containers: [main, { ...side, ...container }],
  }),
  pod(standard, `${title} in an init container`, `container "side": ${named}`, {
    initContainers: [{ ...side, ...container }],
  }),
];

const secured = (standard: Standard, named: string, securityContext: object): HostilePod[] =>
  everywhere(standard, JSON.stringify(securityContext), `securityContext.${named}`, { securityContext });

const volume = (standard: Standard, kind: string, source: object): HostilePod =>
  pod(standard, `a volume of ${kind}`, `volume "v": ${kind} is not allowed`, {
    volumes: [{ name: "v", [kind]: source }],
  });

/** What Kubernetes' Pod Security Standards refuse too. */
export const STANDARD_HOLES: readonly HostilePod[] = [
  pod("baseline", "the host's network", "hostNetwork must not be true", { hostNetwork: true }),
  pod("baseline", "the host's processes", "hostPID must not be true", { hostPID: true }),
  pod("baseline", "the host's memory", "hostIPC must not be true", { hostIPC: true }),
  pod("baseline", "a sysctl of the node", "kernel.msgmax is not a safe one", {
    securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] },
  }),
  pod("restricted", "root for all containers", "securityContext.runAsUser must not be 0", {
    securityContext: { runAsUser: 0 },
  }),
  pod("restricted", "leave to be root", "securityContext.runAsNonRoot must be true", {
    securityContext: { runAsNonRoot: false },
  }),
  pod("baseline", "no seccomp", "securityContext.seccompProfile must not be Unconfined", {
    securityContext: { seccompProfile: { type: "Unconfined" } },
  }),
  pod("baseline", "an SELinux type of the host's", "seLinuxOptions.type must not be spc_t", {
    securityContext: { seLinuxOptions: { type: "spc_t" } },
  }),
  {
    ...pod("baseline", "no AppArmor, by annotation", "container.apparmor.security.beta.kubernetes.io/main", {}),
    annotations: { "container.apparmor.security.beta.kubernetes.io/main": "unconfined" },
  },
  ...secured("baseline", "privileged must not be true", { privileged: true, allowPrivilegeEscalation: true }),
  ...secured("restricted", "allowPrivilegeEscalation must be false", { allowPrivilegeEscalation: true }),
  ...secured("baseline", "capabilities.add must not hold SYS_ADMIN", { capabilities: { add: ["SYS_ADMIN"] } }),
  ...secured("restricted", "capabilities.add must not hold CHOWN", { capabilities: { add: ["CHOWN"] } }),
  ...secured("restricted", "runAsUser must not be 0", { runAsUser: 0 }),
  ...secured("restricted", "runAsNonRoot must be true", { runAsNonRoot: false }),
  ...secured("baseline", "seccompProfile must not be Unconfined", { seccompProfile: { type: "Unconfined" } }),
  ...secured("baseline", "appArmorProfile must not be Unconfined", { appArmorProfile: { type: "Unconfined" } }),
  ...secured("baseline", "seLinuxOptions.user must not be set", { seLinuxOptions: { user: "system_u" } }),
  ...everywhere("baseline", "a port of the node", "ports: port 80 must have no hostPort", {
    ports: [{ containerPort: 80, hostPort: 80 }],
  }),
  ...everywhere("baseline", "a hook that calls elsewhere", "lifecycle.postStart.httpGet.host must not be set", {
    lifecycle: { postStart: { httpGet: { host: "169.254.169.254", port: 80 } } },
    restartPolicy: "Always",
  }).filter(({ title }) => title.endsWith("init container")),
  volume("baseline", "hostPath", { path: "/" }),
  volume("restricted", "nfs", { server: "example.com", path: "/" }),
  volume("restricted", "iscsi", { targetPortal: "10.0.0.1", iqn: "iqn.2001-04.com.example:x", lun: 0 }),
];

/** What only our own policy refuses. */
export const OWN_HOLES: readonly HostilePod[] = [
  pod(undefined, "a node of its choice", "nodeName must not be set", { nodeName: "node-1" }),
  pod(undefined, "a life after its end", "restartPolicy must be Never", { restartPolicy: "OnFailure" }),
  pod(undefined, "a token for Kubernetes", "automountServiceAccountToken must not be true", {
    automountServiceAccountToken: true,
  }),
  pod(undefined, "a token for Kubernetes as a volume", "projected.sources.serviceAccountToken is not allowed", {
    volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }],
  }),
  pod(undefined, "a priority above the cluster's own parts", "priorityClassName must not be one of the system's", {
    priorityClassName: "system-node-critical",
  }),
  pod(undefined, "a debugger's container", "ephemeralContainers must be empty", { ephemeralContainers: [side] }),
];
