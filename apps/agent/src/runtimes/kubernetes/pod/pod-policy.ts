import { containerProblems } from "./container-policy.ts";
import { type Json, jsonOf, listOf } from "./json.ts";
import { containersOf, mapContainers } from "./pod-draft.ts";
import type { PodSettings } from "./pod-settings.ts";
import type { Problems } from "./problems.ts";
import { referenceProblems } from "./reference-policy.ts";
import { volumeProblems } from "./volume-policy.ts";

/** Sysctls that touch nothing but the pod. */
const SAFE_SYSCTLS: ReadonlySet<unknown> = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
]);
const HOST_FIELDS = ["hostNetwork", "hostPID", "hostIPC"];

/** Fills in what makes a pod safe where nobody said otherwise, so that ordinary tasks need to know nothing of it. */
export function hardenPod(spec: Json, { rules }: PodSettings): Json {
  const hardened = { restartPolicy: "Never", enableServiceLinks: false, automountServiceAccountToken: false, ...spec };
  if (rules.podSecurity !== "restricted") return hardened;
  const user = rules.runAsUser === "image" ? {} : { runAsUser: rules.runAsUser };
  const security = { runAsNonRoot: true, ...user, seccompProfile: { type: "RuntimeDefault" } };
  return mapContainers(
    { ...hardened, securityContext: { ...security, ...jsonOf(spec.securityContext) } },
    hardenContainer,
  );
}

function hardenContainer(container: Json): Json {
  const security = jsonOf(container.securityContext);
  const capabilities = { ...jsonOf(security.capabilities), drop: ["ALL"] };
  return { ...container, securityContext: { allowPrivilegeEscalation: false, ...security, capabilities } };
}

/**
 * Gathers what of a pod the cluster's policy forbids: Kubernetes' Pod Security Standards at the level of the rules, and what
 * is the platform's own to say at any level. It looks at the pod as it is sent, whoever said what of it.
 */
export function checkPod(spec: Json, metadata: Json, settings: PodSettings, problems: Problems): void {
  checkOwned(spec, settings, problems);
  referenceProblems(spec, settings, problems);
  volumeProblems(spec, settings, problems);
  const { podSecurity } = settings.rules;
  if (podSecurity === "privileged") return;
  for (const field of HOST_FIELDS) if (spec[field] === true) problems.add(`${field} must not be true`);
  checkPodSecurity(jsonOf(spec.securityContext), problems);
  checkAppArmor(jsonOf(metadata.annotations), problems);
  for (const container of containersOf(spec)) {
    containerProblems(container, jsonOf(spec.securityContext), podSecurity === "restricted", problems);
  }
}

/** What no task decides: how long a pod lives on, where it runs, and as whom it may call Kubernetes. */
function checkOwned(spec: Json, { rules, namespace }: PodSettings, problems: Problems): void {
  if (spec.restartPolicy !== "Never") problems.add("restartPolicy must be Never");
  if (spec.nodeName !== undefined) problems.add("nodeName must not be set; use nodeSelector or affinity");
  if (listOf(spec.ephemeralContainers).length > 0) problems.add("ephemeralContainers must be empty");
  if (String(spec.priorityClassName ?? "").startsWith("system-")) {
    problems.add("priorityClassName must not be one of the system's");
  }
  if (spec.automountServiceAccountToken === true && !rules.serviceAccounts.mayMountToken) {
    problems.add("automountServiceAccountToken must not be true");
  }
  const { default: usual, allowed } = rules.serviceAccounts;
  const name = spec.serviceAccountName;
  const isAllowed = name === usual || (allowed ? allowed.includes(String(name)) : namespace === undefined);
  if (name !== undefined && !isAllowed) problems.add(`the service account ${JSON.stringify(name)} is not for tasks`);
}

function checkPodSecurity(security: Json, problems: Problems): void {
  for (const { name } of listOf(security.sysctls)) {
    if (!SAFE_SYSCTLS.has(name)) problems.add(`securityContext.sysctls: ${name} is not a safe one`);
  }
}

/** The older spelling of `appArmorProfile`, which some clusters still heed. */
function checkAppArmor(annotations: Json, problems: Problems): void {
  for (const [name, value] of Object.entries(annotations)) {
    if (!name.startsWith("container.apparmor.security.beta.kubernetes.io/")) continue;
    if (value !== "runtime/default" && !String(value).startsWith("localhost/")) {
      problems.add(`the annotation ${name} must not be ${JSON.stringify(value)}`);
    }
  }
}
