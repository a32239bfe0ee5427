import { type LoadedRun, type RunLimits, readRunStates } from "@skein/db";
import { type EngineLimits, newRun, type Program, parseMemoryGrowth, type RunState, restoreRun } from "@skein/engine";
import type { TaskResources } from "@skein/launch";
import type { Pool } from "./database.ts";
import { Programs } from "./programs.ts";
import { loadReference } from "./references.ts";
import type { FindTaskResources } from "./task-resources.ts";
import type { ObjectStore } from "./values.ts";

/** An unfinished run in memory, exactly as its rows are at `version`. */
export interface CachedRun extends Omit<LoadedRun, "stored" | "expansions" | "version"> {
  version: number;
  readonly state: RunState;
  readonly program: Program;
  /** What is set for its project, as it was when the run was taken up. */
  readonly taskResources: TaskResources;
}

const RUNS_MAX = 10_000;

/**
 * Runs in memory. A run may be taken from here only by who advances it; when its advance could not be committed it must
 * be dropped, because the engine changes it in place.
 */
export class RunCache {
  readonly #pool: Pool;
  readonly #programs: Programs;
  readonly #findTaskResources: FindTaskResources;
  readonly #runs = new Map<string, CachedRun>();

  constructor(pool: Pool, storage: Pick<ObjectStore, "get">, findTaskResources: FindTaskResources) {
    this.#pool = pool;
    this.#findTaskResources = findTaskResources;
    this.#programs = new Programs(pool, storage);
  }

  get size(): number {
    return this.#runs.size;
  }

  /** The run, if it is in memory: to look at, not to keep. */
  peek(runId: string): CachedRun | undefined {
    return this.#runs.get(runId);
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
    const programs = await this.#programs.load(rows.map(({ workflowId }) => workflowId));
    await Promise.all(
      rows.map(async (row) => {
        const program = programs.get(row.workflowId);
        if (!program) return;
        const run = await this.#restore(row, program);
        this.#runs.set(row.runId, run);
        found.set(row.runId, run);
      }),
    );
    this.#shrink(found);
    return found;
  }

  /** The registered workflows of the ids, made ready to run. */
  programs(workflowIds: readonly number[]): Promise<ReadonlyMap<number, Program>> {
    return this.#programs.load(workflowIds);
  }

  drop(runId: string): void {
    this.#runs.delete(runId);
  }

  /** For a shard that may be somebody else's now. */
  dropShard(shard: number): void {
    for (const [runId, run] of this.#runs) if (run.shard === shard) this.#runs.delete(runId);
  }

  async #restore({ stored, expansions: rows, ...run }: LoadedRun, program: Program): Promise<CachedRun> {
    const { project, domain } = run;
    const [taskResources, reference, expansions] = await Promise.all([
      this.#findTaskResources({ project, domain, workflowKey: program.root.key }),
      run.referenceRunId === null ? null : loadReference(this.#pool, this.#programs, run.runId),
      this.#programs.ofExpansions(rows),
    ]);
    const limits = engineLimits(run.limits);
    const state =
      run.version === 0 ? newRun(reference, limits) : restoreRun(program, { ...stored, expansions, reference, limits });
    return { ...run, program, state, taskResources };
  }

  /** A run that waits for days need not be in memory; those that came first go first. */
  #shrink(inUse: ReadonlyMap<string, CachedRun>): void {
    for (const runId of this.#runs.keys()) {
      if (this.#runs.size <= RUNS_MAX) return;
      if (!inUse.has(runId)) this.#runs.delete(runId);
    }
  }
}

/** What the engine keeps to. Launches refuse a growth that cannot be read. */
const engineLimits = ({ maxParallelism, queueTimeoutMs, memoryGrowth }: RunLimits): EngineLimits => ({
  maxParallelism,
  queueTimeoutMs,
  memoryGrowth: parseMemoryGrowth(memoryGrowth) ?? null,
});
