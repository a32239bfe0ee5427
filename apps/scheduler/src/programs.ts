import { type ActionExpansion, readCompiledWorkflows } from "@skein/db";
import { type Program, readProgram } from "@skein/engine";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { CompiledWorkflowClosureSchema } from "@skein/idl/core";
import type { Pool } from "./database.ts";
import type { ObjectStore } from "./values.ts";

const PROGRAMS_MAX = 200;

const toProgram = (compiled: Uint8Array): Program => readProgram(fromBytes(CompiledWorkflowClosureSchema, compiled));

/** Compiled workflows made ready to run; the registered ones are kept, many runs share them. */
export class Programs {
  readonly #pool: Pool;
  readonly #storage: Pick<ObjectStore, "get">;
  readonly #known = new Map<number, Program>();

  constructor(pool: Pool, storage: Pick<ObjectStore, "get">) {
    this.#pool = pool;
    this.#storage = storage;
  }

  /** The programs of workflows by their key; unknown ones are missing. */
  async load(workflowIds: readonly number[]): Promise<ReadonlyMap<number, Program>> {
    const wanted = new Set(workflowIds);
    const missing = [...wanted].filter((id) => !this.#known.has(id));
    const compiled = missing.length === 0 ? [] : await readCompiledWorkflows(this.#pool, missing);
    for (const [id, bytes] of compiled) this.#known.set(id, toProgram(bytes));
    const found = new Map<number, Program>();
    for (const id of wanted) {
      const program = this.#known.get(id);
      if (program) found.set(id, program);
    }
    this.#shrink(wanted);
    return found;
  }

  /** The programs that tasks wrote, by the ordinal of their action. */
  async ofExpansions(rows: readonly ActionExpansion[]): Promise<Map<number, Program>> {
    const programs = new Map<number, Program>();
    for (const { ordinal, compiled, uri } of rows) {
      const bytes = compiled ?? (uri === null ? undefined : await this.#storage.get(uri));
      invariant(bytes, `the expansion of action ${ordinal} lies in one of two places`);
      programs.set(ordinal, toProgram(bytes));
    }
    return programs;
  }

  #shrink(inUse: ReadonlySet<number>): void {
    for (const id of this.#known.keys()) {
      if (this.#known.size <= PROGRAMS_MAX) return;
      if (!inUse.has(id)) this.#known.delete(id);
    }
  }
}
