import { type AskedResources, type AttemptId, attemptKey, UNLIMITED } from "@skein/contracts";
import {
  type AgentRoom,
  type PendingOrder,
  readPoolRoom,
  TOO_LARGE,
  type WaitingReason,
  writeWaitingReasons,
} from "@skein/db";
import type { FindAsked } from "./asked-resources.ts";
import type { Pool } from "./database.ts";

/** Longer than the time after which an attempt that nobody claimed is looked at again. */
const RENEWED_WITHIN_MS = 15_000;

interface Given {
  readonly id: AttemptId;
  readonly reason: string;
  atMs: number;
}

/** Tells people why nobody claims an attempt, where its pool is the reason: nobody serves it, or nobody is large enough. */
export class WaitingReasons {
  readonly #pool: Pool;
  readonly #findAsked: FindAsked;
  readonly #given = new Map<string, Given>();

  constructor(pool: Pool, findAsked: FindAsked) {
    this.#pool = pool;
    this.#findAsked = findAsked;
  }

  /** `unclaimed` come again and again while nobody claims them; of those that do not, the reason is taken back. */
  async explain(unclaimed: readonly PendingOrder[]): Promise<void> {
    const now = Date.now();
    const news = [...(await this.#reasonsOf(unclaimed, now)), ...this.#outdated(now)];
    await writeWaitingReasons(this.#pool, news);
  }

  async #reasonsOf(unclaimed: readonly PendingOrder[], atMs: number): Promise<WaitingReason[]> {
    const orders = unclaimed.filter(({ kind }) => kind !== "echo");
    if (orders.length === 0) return [];
    const pools = new Set(orders.map(({ pool }) => pool));
    const [rooms, asked] = await Promise.all([
      readPoolRoom(this.#pool, [...pools]),
      this.#findAsked(orders.map(({ id }) => id)),
    ]);
    const agents = new Map(rooms.map((room) => [room.pool, room.agents]));
    return orders.map(({ id, pool }, index) => {
      const reason = whyNobody(pool, agents.get(pool) ?? [], asked[index] ?? null);
      if (reason === null) this.#given.delete(attemptKey(id));
      else this.#given.set(attemptKey(id), { id, reason, atMs });
      return { id, reason };
    });
  }

  #outdated(now: number): WaitingReason[] {
    const old = [...this.#given].filter(([, { atMs }]) => atMs < now - RENEWED_WITHIN_MS);
    for (const [key] of old) this.#given.delete(key);
    return old.map(([, { id, reason }]) => ({ id, reason: null, before: reason }));
  }
}

/** Null where an agent could take it, now or when it has room again. */
export function whyNobody(pool: string, agents: readonly AgentRoom[], asks: AskedResources | null): string | null {
  if (agents.length === 0) return `No agent serves pool ${pool}.`;
  const open = agents.filter(({ isOpen }) => isOpen);
  if (open.length === 0) return `Every agent of pool ${pool} is draining or cordoned.`;
  if (!asks || open.some((agent) => isLargeEnough(agent, asks))) return null;
  const rooms = [...new Set(open.map(describe))];
  const more = rooms.length > ROOMS_SHOWN ? ", and others" : "";
  return `${TOO_LARGE}: the task asks for ${describe(asks)}; agents of pool ${pool} have ${rooms.slice(0, ROOMS_SHOWN).join("; ")}${more}.`;
}

const ROOMS_SHOWN = 3;

const isLargeEnough = (agent: AskedResources, asks: AskedResources): boolean =>
  asks.cpuMillis <= agent.cpuMillis && asks.memoryMiB <= agent.memoryMiB && asks.gpus <= agent.gpus;

function describe({ cpuMillis, memoryMiB, gpus }: AskedResources): string {
  const amount = (value: number, text: string) => (value >= UNLIMITED ? "unlimited" : text);
  const parts = [
    ...(cpuMillis > 0 ? [`${amount(cpuMillis, String(cpuMillis / 1000))} CPUs`] : []),
    ...(memoryMiB > 0 ? [`${amount(memoryMiB, `${memoryMiB} MiB`)} of memory`] : []),
    ...(gpus > 0 ? [`${amount(gpus, String(gpus))} GPUs`] : []),
  ];
  return parts.join(", ");
}
