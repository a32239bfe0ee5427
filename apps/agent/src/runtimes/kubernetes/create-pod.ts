import { setTimeout as pause } from "node:timers/promises";
import type { V1Pod, V1Secret } from "@kubernetes/client-node";
import { attemptKey, type ReportedFailure } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { type ClusterClient, ClusterError } from "./cluster-client.ts";
import { attemptOf, ownedBy, type PodWithSecret } from "./pod/index.ts";

export interface CreatePodOptions {
  readonly client: ClusterClient;
  /** Makes sure that there is a namespace; called again when it turns out to be gone. */
  readonly prepareNamespace: () => Promise<void>;
  readonly forgetNamespace: () => void;
  /** Why it takes so long, in words for people. */
  readonly onWaiting: (reason: string) => void;
  readonly signal: AbortSignal;
}

const RETRY_FIRST_MS = 200;
const RETRY_LONGEST_MS = 5_000;
/** For what can only be the platform's trouble. A quota is waited for without an end. */
const TRIES = 80;
/** A pod of the same name may be on its way out. */
const CONFLICT_TRIES = 10;
const QUOTA = /exceeded quota|insufficient quota/;
const GOING_AWAY = /is being terminated|namespaces ".*" not found/;
/** Rules of the cluster that the pod breaks. */
const REFUSED_BY_RULES =
  /violates PodSecurity|admission webhook ".*" denied|is forbidden: .*(LimitRange|maximum|minimum)/;

/** Makes the pod and what belongs to it, however often that has begun before. */
export async function createPod(made: PodWithSecret, options: CreatePodOptions): Promise<V1Pod> {
  const { client, signal } = options;
  const pod = await insisting(options, async () => {
    await options.prepareNamespace();
    return await createOrFind(client, made.pod, signal);
  });
  const { secret } = made;
  if (secret) await insisting(options, () => createSecret(client, ownedBy(secret, pod), signal));
  return pod;
}

/** What an error of `createPod` says of the attempt. */
export function startFailure(error: unknown): ReportedFailure {
  const message = error instanceof Error ? error.message : String(error);
  const { status = 0 } = error as { status?: number };
  const isTasksFault =
    error instanceof ClusterError
      ? status === 400 || status === 422 || (status === 403 && REFUSED_BY_RULES.test(message))
      : error instanceof SkeinError && error.code === "invalid_argument";
  const text = error instanceof ClusterError ? `Kubernetes does not take the pod: ${message}` : message;
  return isTasksFault
    ? { code: "InvalidTask", message: text, kind: "user", recoverable: false }
    : { code: "StartFailed", message: text, kind: "system", recoverable: true };
}

async function createOrFind(client: ClusterClient, pod: V1Pod, signal: AbortSignal): Promise<V1Pod> {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    return await client.json<V1Pod>({ method: "POST", path, body: pod, signal });
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 409) throw error;
  }
  const found = await client.json<V1Pod>({ method: "GET", path: `${path}/${name}`, signal });
  const [theirs, ours] = [attemptOf(found), attemptOf(pod)];
  if (theirs && ours && attemptKey(theirs) === attemptKey(ours)) return found;
  // 409, so that it counts as nobody's fault and is tried again.
  throw new ClusterError(409, `${namespace} has a pod ${name} already, which is not this attempt's`);
}

async function createSecret(client: ClusterClient, secret: V1Secret, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${secret.metadata?.namespace}/secrets`;
  try {
    await client.json({ method: "POST", path, body: secret, signal });
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 409) throw error;
  }
}

async function insisting<T>(options: CreatePodOptions, attempt: () => Promise<T>): Promise<T> {
  let delayMs = RETRY_FIRST_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof ClusterError) || !mayPass(error, tries)) throw error;
      if (GOING_AWAY.test(error.message)) options.forgetNamespace();
      const isQuota = QUOTA.test(error.message);
      if (isQuota) options.onWaiting(`ResourceQuota: ${error.message}`);
      await pause(delayMs * (0.5 + Math.random()), undefined, { signal: options.signal });
      delayMs = Math.min(delayMs * 2, RETRY_LONGEST_MS);
    }
  }
}

function mayPass(error: ClusterError, tries: number): boolean {
  if (error.status === 403 && QUOTA.test(error.message)) return true;
  if (error.status === 409) return tries < CONFLICT_TRIES;
  return tries < TRIES && (error.isPassing || GOING_AWAY.test(error.message));
}
