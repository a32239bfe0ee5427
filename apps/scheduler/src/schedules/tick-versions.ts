import { create } from "@bufbuild/protobuf";
import { readLaunchPlanById } from "@skein/db";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { LaunchPlanClosureSchema, LaunchPlanSpecSchema } from "@skein/idl/admin";
import { IdentifierSchema, ResourceType } from "@skein/idl/core";
import { type LaunchTarget, launchPlanTarget } from "@skein/launch";
import { plannedSchedule } from "@skein/schedule";
import type { Pool } from "../database.ts";

/** The version of a launch plan that ticks start. */
export interface TickVersion {
  readonly target: LaunchTarget;
  /** The input that its schedule gives the moment; empty for none. */
  readonly kickoffInput: string;
}

const CACHED_MAX = 1_000;

/** Finds versions by their keys. Versions never change. */
export function tickVersions(pool: Pool): (launchPlanId: string) => Promise<TickVersion> {
  const versions = new Map<string, TickVersion>();
  return async (launchPlanId) => {
    const cached = versions.get(launchPlanId);
    if (cached) return cached;
    const rows = await readLaunchPlanById(pool, launchPlanId);
    invariant(rows, `launch plan ${launchPlanId} of a tick exists`);
    const { project, domain, name, version } = rows;
    const id = { project, domain, name, version };
    const spec = fromBytes(LaunchPlanSpecSchema, rows.spec);
    const closure = fromBytes(LaunchPlanClosureSchema, rows.closure);
    const launched = create(IdentifierSchema, { resourceType: ResourceType.LAUNCH_PLAN, ...id });
    const plan = { id, rowId: Number(rows.id), workflowRowId: Number(rows.workflowId), spec, closure };
    const found = { target: launchPlanTarget(launched, plan), kickoffInput: plannedSchedule(spec)?.kickoffInput ?? "" };
    if (versions.size >= CACHED_MAX) versions.clear();
    versions.set(launchPlanId, found);
    return found;
  };
}
