import { type OpenDb, readProjectAttributes } from "@skein/db";
import { type KeptReads, keepReads } from "../keep-reads.ts";
import { type Policies, readPolicies } from "./policies.ts";

/** Policies by project, read again when they may have changed. */
export type PolicyBook = KeptReads<Policies>;

/** Keeps what it read for a second. */
export const openPolicyBook = (pool: OpenDb["pool"]): PolicyBook =>
  keepReads(async (project) => readPolicies(await readProjectAttributes(pool, project)));
