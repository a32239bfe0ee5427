import { SkeinError } from "@skein/errors";
import { parseAllDocuments } from "yaml";
import { isJson, jsonOf, textOf } from "../pod/json.ts";
import type { Manifest, NamespaceOwner } from "./manifest.ts";
import type { NamespaceRules } from "./namespace-rules.ts";

/** `{{ word }}`, as in Flyte's cluster resource templates. */
const WORD = /\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}/g;
/** What can stand anywhere in a YAML text and mean only itself. */
const HARMLESS = /^[A-Za-z0-9][-A-Za-z0-9_.]*$/;
/** Of values that are set for one project, which may be amounts, addresses and names of roles. */
const HARMLESS_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.:/@+=]*[-A-Za-z0-9_./@+=])?$/;
/** Kinds that live in no namespace. */
const CLUSTER_KINDS: ReadonlySet<string> = new Set([
  "Namespace",
  "ClusterRole",
  "ClusterRoleBinding",
  "PersistentVolume",
]);

/** What the words of templates stand for; failed_precondition where one could mean more than itself. */
export function templateWords(
  namespace: string,
  owner: NamespaceOwner,
  values: NamespaceRules["values"],
  ownValues: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  for (const [word, value] of Object.entries(owner)) {
    if (value === "" || HARMLESS.test(value)) continue;
    throw invalid(`the ${word} ${JSON.stringify(value)} cannot stand in a template`);
  }
  for (const [word, value] of Object.entries(ownValues)) {
    if (HARMLESS_VALUE.test(value)) continue;
    throw invalid(`the value of {{ ${word} }} that is set for project ${owner.project} cannot stand in a template`);
  }
  return { ...values, ...ownValues, ...owner, namespace };
}

/** The text with its words filled in. */
export function fillWords(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(WORD, (_, word: string) => {
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    if (value === undefined) throw invalid(`nothing is known for {{ ${word} }}; it could be a value`);
    return value;
  });
}

/** The administrator's manifests for a namespace; failed_precondition says what of them cannot be used. */
export function templateManifests(
  templates: string,
  namespace: string,
  words: Readonly<Record<string, string>>,
): Manifest[] {
  const text = fillWords(templates, words);
  return parseAllDocuments(text).flatMap((document, index) => {
    const [error] = document.errors;
    if (error) throw invalid(`document ${index + 1}: ${error.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [toManifest(value, namespace, index)];
  });
}

function toManifest(value: unknown, namespace: string, index: number): Manifest {
  const { apiVersion, kind, metadata: given, ...rest } = jsonOf(value);
  const metadata = jsonOf(given);
  const name = textOf(metadata.name);
  if (!isJson(value) || typeof apiVersion !== "string" || typeof kind !== "string" || name === undefined) {
    throw invalid(`document ${index + 1} needs apiVersion, kind and metadata.name, all of them texts`);
  }
  if (CLUSTER_KINDS.has(kind)) return { ...rest, apiVersion, kind, metadata: { ...metadata, name } };
  const place = textOf(metadata.namespace) ?? namespace;
  return { ...rest, apiVersion, kind, metadata: { ...metadata, name, namespace: place } };
}

const invalid = (problem: string): SkeinError =>
  new SkeinError(
    "failed_precondition",
    "namespace_templates_invalid",
    `The templates for namespaces cannot be used: ${problem}`,
  );
