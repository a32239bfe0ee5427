import type { LiteralMap, TypedInterface, VariableMap } from "@skein/idl/core";
import { canonicalText } from "../compile/digest.ts";
import type { CacheSettings } from "../program.ts";
import { canonicalLiteralMap } from "./canonical-literal.ts";

/** SHA-256 of a text in URL-safe base64 without padding. It comes from outside: the engine computes no hashes. */
export type TextDigest = (text: string) => string;

/** Where the cache holds the outputs of a task for some inputs. */
export interface CacheAddress {
  readonly project: string;
  readonly domain: string;
  readonly datasetName: string;
  readonly datasetVersion: string;
  readonly tag: string;
}

const DATASET_PREFIX = "flyte_task-";
const TAG_PREFIX = "flyte_cached-";
const SIGNATURE_LENGTH = 8;

/** The dataset of a task: of its name, so that a new version of the task finds what an older one computed. */
export const cacheDatasetName = (taskName: string): string => `${DATASET_PREFIX}${taskName}`;

/** Characters that follow the cache version in a dataset's version. */
export const CACHE_SIGNATURE_LENGTH = 2 * (SIGNATURE_LENGTH + 1);

/**
 * The dataset's version: the cache version that the user chose, and the signature of the interface, so that outputs of
 * another shape are never found. Descriptions of variables do not count.
 */
export function cacheDatasetVersion(
  { version }: Pick<CacheSettings, "version">,
  { inputs, outputs }: Pick<TypedInterface, "inputs" | "outputs">,
  digest: TextDigest,
): string {
  const signatureOf = (variables: VariableMap | undefined) => digest(typesText(variables)).slice(0, SIGNATURE_LENGTH);
  return `${version.trim()}-${signatureOf(inputs)}-${signatureOf(outputs)}`;
}

function typesText(variables: VariableMap | undefined): string {
  const types = Object.entries(variables?.variables ?? {}).map(([name, { type }]) => [name, type ?? {}] as const);
  return canonicalText(Object.fromEntries(types));
}

/** The name of the outputs for these inputs within their dataset. */
export const cacheTag = (
  { ignoredInputs }: Pick<CacheSettings, "ignoredInputs">,
  inputs: LiteralMap,
  digest: TextDigest,
): string => TAG_PREFIX + digest(canonicalLiteralMap(inputs, ignoredInputs));

/** What an action's row holds: the address without what its task says anyway. */
export const cacheKey = (datasetVersion: string, tag: string): string => `${datasetVersion}/${tag}`;

/**
 * The address that an action's `cacheKey` stands for; `taskKey` is `project:domain:name:version`, where only the name
 * may hold colons. A tag of ours holds no slash, a cache version may.
 */
export function cacheAddress(taskKey: string, key: string): CacheAddress {
  const [project = "", domain = "", ...name] = taskKey.split(":").slice(0, -1);
  const slash = key.lastIndexOf("/");
  return {
    project,
    domain,
    datasetName: cacheDatasetName(name.join(":")),
    datasetVersion: key.slice(0, slash),
    tag: key.slice(slash + 1),
  };
}
