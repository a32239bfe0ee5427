import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";
import type { Pool } from "pg";

const FAILURE_PAUSE_MS = 200;

/**
 * `pool` as BullMQ uses one. Its few statements are prepared once per connection, which halves what they cost. Before
 * each failure comes a pause: BullMQ's loops try again at once after an error that they do not know as a lost
 * connection, such as Postgres' "the database system is starting up", and would spin.
 */
export function patientPool(pool: Pool): PgPool {
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `queue_${names.size}`;
    names.set(text, name);
    return name;
  };
  const patient: PgPool = {
    query: <R>(text: string, values: readonly unknown[] = []) =>
      patiently(() => pool.query({ name: nameOf(text), text, values: [...values] }) as Promise<unknown>) as Promise<
        PgQueryResult<R>
      >,
    connect: () => patiently(() => pool.connect() as unknown as Promise<PgPoolClient>),
    // The pool belongs to the process, not to one queue; so do its errors.
    end: async () => undefined,
    on: () => patient,
    removeAllListeners: () => patient,
  };
  return patient;
}

async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    // BM001 is an answer of BullMQ's own SQL.
    if ((error as { code?: string }).code !== "BM001") {
      await new Promise((resolve) => setTimeout(resolve, FAILURE_PAUSE_MS));
    }
    throw error;
  }
}
