import type { CompiledTask, CompiledWorkflowClosure } from "@skein/idl/core";

const isMessage = (value: object): boolean => Object.hasOwn(value, "$typeName");

/** What protobuf does not send: it must not matter, or a field added to the IDL would change every digest. */
const isDefault = (value: unknown): boolean =>
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === 0n ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Uint8Array && value.length === 0) ||
  (typeof value === "object" && value !== null && !isMessage(value) && Object.keys(value).length === 0) ||
  (typeof value === "object" && value !== null && "case" in value && value.case === undefined);

function objectText(value: object): string {
  const keepsDefaults = !isMessage(value);
  const entries = Object.entries(value)
    .filter(([, inner]) => keepsDefaults || !isDefault(inner))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalText(inner)}`);
  return `{${entries.join(",")}}`;
}

/** The same text for messages that mean the same, whatever the order of their maps. */
export function canonicalText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Uint8Array)
    return `b"${Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object" && value !== null) return objectText(value);
  return String(value);
}

/**
 * Bytes to hash for comparing two registrations: equal if and only if the messages are equal, with maps sorted and
 * unset fields left out.
 */
export const canonicalBytes = (message: object): Uint8Array => new TextEncoder().encode(canonicalText(message));

/**
 * Canonical bytes of a compiled workflow. Without the interfaces of its launch plans: those say nothing that their ids do
 * not, and closures that were compiled before the compiler put them in do not have them.
 */
export const workflowDigest = (closure: CompiledWorkflowClosure): Uint8Array =>
  canonicalBytes({ ...closure, launchPlans: [] });

/** Canonical bytes of a compiled task. */
export const taskDigest = (task: CompiledTask): Uint8Array => canonicalBytes(task);
