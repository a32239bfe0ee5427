import { type Json, jsonOf, listOf } from "./json.ts";
import type { Problems } from "./problems.ts";

/** What container engines give anyway; more than this is a privilege. */
const USUAL_CAPABILITIES: ReadonlySet<unknown> = new Set([
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"],
  ...["SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
]);
const RESTRICTED_CAPABILITIES: ReadonlySet<unknown> = new Set(["NET_BIND_SERVICE"]);
const SELINUX_TYPES: ReadonlySet<unknown> = new Set([
  ...[undefined, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"],
]);
const SAFE_SECCOMP: ReadonlySet<unknown> = new Set(["RuntimeDefault", "Localhost"]);

type Forbid = (sentence: string) => void;

/** What the Pod Security Standards say of one container, whose fields win over the pod's. */
export function containerProblems(container: Json, pod: Json, isRestricted: boolean, problems: Problems): void {
  const forbid: Forbid = (sentence) => problems.add(`container ${JSON.stringify(container.name)}: ${sentence}`);
  const own = jsonOf(container.securityContext);
  const security = { ...pod, ...own };
  checkBaseline(container, own, security, forbid);
  if (isRestricted) checkRestricted(own, security, forbid);
}

function checkBaseline(container: Json, own: Json, security: Json, forbid: Forbid): void {
  if (own.privileged === true) forbid("securityContext.privileged must not be true");
  for (const name of added(own)) {
    if (!USUAL_CAPABILITIES.has(name)) forbid(`securityContext.capabilities.add must not hold ${name}`);
  }
  for (const { containerPort, hostPort } of listOf(container.ports)) {
    if (hostPort !== undefined && hostPort !== 0) forbid(`ports: port ${containerPort} must have no hostPort`);
  }
  if (own.procMount !== undefined && own.procMount !== "Default") forbid("securityContext.procMount must be Default");
  const seLinux = jsonOf(security.seLinuxOptions);
  if (!SELINUX_TYPES.has(seLinux.type)) forbid(`securityContext.seLinuxOptions.type must not be ${seLinux.type}`);
  for (const field of ["user", "role"]) {
    if ((seLinux[field] ?? "") !== "") forbid(`securityContext.seLinuxOptions.${field} must not be set`);
  }
  if (jsonOf(security.seccompProfile).type === "Unconfined")
    forbid("securityContext.seccompProfile must not be Unconfined");
  if (jsonOf(security.appArmorProfile).type === "Unconfined")
    forbid("securityContext.appArmorProfile must not be Unconfined");
  if (jsonOf(security.windowsOptions).hostProcess === true)
    forbid("securityContext.windowsOptions.hostProcess must not be true");
  for (const field of hostsOf(container)) forbid(`${field} must not be set`);
}

function checkRestricted(own: Json, security: Json, forbid: Forbid): void {
  if (own.allowPrivilegeEscalation !== false) forbid("securityContext.allowPrivilegeEscalation must be false");
  for (const name of added(own)) {
    if (USUAL_CAPABILITIES.has(name) && !RESTRICTED_CAPABILITIES.has(name)) {
      forbid(`securityContext.capabilities.add must not hold ${name}`);
    }
  }
  if (security.runAsNonRoot !== true) forbid("securityContext.runAsNonRoot must be true");
  if (security.runAsUser === 0) forbid("securityContext.runAsUser must not be 0");
  const { type } = jsonOf(security.seccompProfile);
  if (type !== "Unconfined" && !SAFE_SECCOMP.has(type))
    forbid("securityContext.seccompProfile must be RuntimeDefault or Localhost");
}

function added(security: Json): unknown[] {
  const { add } = jsonOf(security.capabilities);
  return Array.isArray(add) ? add : [];
}

/** Probes and hooks that would make the node call another machine than the pod. */
function hostsOf(container: Json): string[] {
  const { postStart, preStop } = jsonOf(container.lifecycle);
  const { livenessProbe, readinessProbe, startupProbe } = container;
  const handlers = {
    livenessProbe,
    readinessProbe,
    startupProbe,
    "lifecycle.postStart": postStart,
    "lifecycle.preStop": preStop,
  };
  return Object.entries(handlers).flatMap(([name, handler]) =>
    ["httpGet", "tcpSocket"].flatMap((kind) =>
      (jsonOf(jsonOf(handler)[kind]).host ?? "") === "" ? [] : [`${name}.${kind}.host`],
    ),
  );
}
