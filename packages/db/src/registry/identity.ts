import type { RESOURCE_TYPES } from "../schema/index.ts";

/** One version of a task, workflow or launch plan. */
export interface VersionId {
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  readonly version: string;
}

/** A name over all its versions. */
export interface NameId {
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}

export type ResourceKind = (typeof RESOURCE_TYPES)[number];
