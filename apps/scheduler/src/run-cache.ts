import { type LoadedRun, readCompiledWorkflows, readRunStates } from "@skein/db";
import { newRun, type Program, type RunState, readProgram, restoreRun } from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { CompiledWorkflowClosureSchema } from "@skein/idl/core";
import type { Pool } from "./database.ts";

/** An unfinished run in memory, exactly as its rows are at `version`. */
export interface CachedRun extends Omit<LoadedRun, "stored" | "version"> {
  version: number;
  readonly state: RunState;
  readonly program: Program;
}

const PROGRAMS_MAX = 200;
const RUNS_MAX = 10_000;

/**
 * Runs and programs in memory. A run may be taken from here only by who advances it; when its advance could not be
 * committed it must be dropped, because the engine changes it in place.
 */
export class RunCache {
  readonly #pool: Pool;
  readonly #runs = new Map<string, CachedRun>();
  readonly #programs = new Map<number, Program>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** The runs of the ids, from memory or, in a few round trips for all of them, from rows. Unknown ids are missing. */
  async load(runIds: readonly string[]): Promise<Map<string, CachedRun>> {
    const found = new Map<string, CachedRun>();
    const missing: string[] = [];
    for (const runId of runIds) {
      const run = this.#runs.get(runId);
      if (run) found.set(runId, run);
      else missing.push(runId);
    }
    if (missing.length === 0) return found;
    const rows = await readRunStates(this.#pool, missing);
    await this.#loadPrograms(new Set(rows.map(({ workflowId }) => workflowId)));
    for (const { stored, ...row } of rows) {
      const program = this.#programs.get(row.workflowId);
      if (!program) continue;
      const state = row.version === 0 ? newRun() : restoreRun(program, stored);
      const run = { ...row, program, state };
      this.#runs.set(row.runId, run);
      found.set(row.runId, run);
    }
    this.#shrink(found);
    return found;
  }

  drop(runId: string): void {
    this.#runs.delete(runId);
  }

  /** For a shard that may be somebody else's now. */
  dropShard(shard: number): void {
    for (const [runId, run] of this.#runs) if (run.shard === shard) this.#runs.delete(runId);
  }

  async #loadPrograms(workflowIds: ReadonlySet<number>): Promise<void> {
    const missing = [...workflowIds].filter((id) => !this.#programs.has(id));
    if (missing.length === 0) return;
    const compiled = await readCompiledWorkflows(this.#pool, missing);
    for (const [id, bytes] of compiled) {
      this.#programs.set(id, readProgram(fromBytes(CompiledWorkflowClosureSchema, bytes)));
    }
    for (const id of this.#programs.keys()) {
      if (this.#programs.size <= PROGRAMS_MAX) return;
      if (!workflowIds.has(id)) this.#programs.delete(id);
    }
  }

  /** A run that waits for days need not be in memory; those that came first go first. */
  #shrink(inUse: ReadonlyMap<string, CachedRun>): void {
    for (const runId of this.#runs.keys()) {
      if (this.#runs.size <= RUNS_MAX) return;
      if (!inUse.has(runId)) this.#runs.delete(runId);
    }
  }
}
