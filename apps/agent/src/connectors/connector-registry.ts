import { setTimeout as pause } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import type { Agent } from "@skein/idl/connector";
import type { TaskTemplate } from "@skein/idl/core";
import type { Logger } from "@skein/telemetry";
import { orAborted } from "../runtimes/or-aborted.ts";
import type { ConnectorClient } from "./connector-client.ts";

/** Who serves a type of task, and how. */
export interface Served {
  readonly client: ConnectorClient;
  /** Whether it is done in one call. */
  readonly isSync: boolean;
}

interface Listing {
  readonly client: ConnectorClient;
  /** By `type:version`; undefined while it was never heard of. What it said last stands while it is away. */
  types: ReadonlyMap<string, boolean> | undefined;
  /** Why it does not answer now. */
  problem: string | undefined;
}

const REFRESH_MS = 10_000;
const RETRY_FIRST_MS = 250;
/** Types that people's own containers have. They never wait for a connector that was not heard of yet. */
const OWN_TYPES: ReadonlySet<string> = new Set([
  "python-task",
  "raw-container",
  "container",
  "container_array",
  "sidecar",
]);

/** Knows which connector serves which types of tasks, from the configuration and by asking them again and again. */
export class ConnectorRegistry {
  readonly #listings: readonly Listing[];
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  #news = Promise.withResolvers<void>();

  constructor(clients: readonly ConnectorClient[], logger: Logger) {
    this.#listings = clients.map((client) => ({ client, types: undefined, problem: undefined }));
    this.#logger = logger;
  }

  /** Begins to ask; waits for no answer. */
  open(): void {
    for (const listing of this.#listings) void this.#keepAsking(listing);
  }

  /** Who serves tasks like this one, as far as it is known. The first that is configured wins. */
  find({ type, taskTypeVersion }: TaskTemplate): Served | undefined {
    const named = this.#named(type);
    if (named) {
      const { client, types } = named;
      return types && { client, isSync: types.get(typeKey(type, taskTypeVersion)) ?? false };
    }
    for (const { client, types } of this.#listings) {
      const isSync = types?.get(typeKey(type, taskTypeVersion));
      if (isSync !== undefined) return { client, isSync };
    }
    return undefined;
  }

  /** Whether a connector that was never heard of may serve tasks like this one. */
  maySomeServe({ type, target }: TaskTemplate): boolean {
    const named = this.#named(type);
    if (named) return named.types === undefined;
    if (target.case !== undefined && OWN_TYPES.has(type)) return false;
    return this.#listings.some(({ types }) => types === undefined);
  }

  /** Waits until somebody serves tasks like this one, or until it is clear that nobody does. */
  async whenKnown(template: TaskTemplate, signal: AbortSignal, onWaiting: (reason: string) => void) {
    for (;;) {
      const served = this.find(template);
      if (served || !this.maySomeServe(template)) return served;
      onWaiting(this.#silence);
      await orAborted(this.#news.promise, signal);
    }
  }

  /** A connector by the name that records hold. */
  client(name: string): ConnectorClient | undefined {
    return this.#listings.find(({ client }) => client.name === name)?.client;
  }

  close(): void {
    this.#closed.abort();
    for (const { client } of this.#listings) client.close();
  }

  /** Whom the configuration names for a type. */
  #named(type: string): Listing | undefined {
    return this.#listings.find(({ client }) => client.config.taskTypes.includes(type));
  }

  get #silence(): string {
    const silent = this.#listings.filter(({ types }) => types === undefined);
    const words = silent.map(({ client, problem }) => `${client.name} (${problem ?? "was just asked"})`);
    return `Connectors that may serve this type of task have not answered yet: ${words.join(", ")}`;
  }

  async #keepAsking(listing: Listing): Promise<void> {
    const { signal } = this.#closed;
    for (let retryMs = RETRY_FIRST_MS; ; ) {
      const isAnswered = await this.#ask(listing);
      retryMs = isAnswered ? RETRY_FIRST_MS : Math.min(retryMs * 2, REFRESH_MS);
      const delayMs = isAnswered ? REFRESH_MS : retryMs;
      try {
        await pause(delayMs * (0.8 + 0.4 * Math.random()), undefined, { signal, ref: false });
      } catch {
        return;
      }
    }
  }

  async #ask(listing: Listing): Promise<boolean> {
    const { client } = listing;
    const { signal } = this.#closed;
    try {
      const types = typesOf(await client.list(signal));
      const said = [...types.keys()].join(", ");
      if (said !== [...(listing.types?.keys() ?? [])].join(", ") || listing.problem !== undefined) {
        this.#logger.info({ connector: client.name, types: said }, "A connector says what it serves");
      }
      listing.types = types;
      listing.problem = undefined;
    } catch (error) {
      if (signal.aborted) return false;
      const { message } = ConnectError.from(error);
      if (listing.problem === undefined) {
        this.#logger.warn({ connector: client.name, problem: message }, "A connector does not answer; asking again");
      }
      listing.problem = message;
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers();
    return listing.problem === undefined;
  }
}

const typeKey = (name: string, version: number): string => `${name}:${version}`;

/** Types without a version are how older connectors say it; newer ones say both. */
function typesOf(agents: readonly Agent[]): Map<string, boolean> {
  const types = new Map<string, boolean>();
  for (const { supportedTaskCategories: categories, supportedTaskTypes, isSync } of agents) {
    const bare = supportedTaskTypes.filter((type) => !categories.some(({ name }) => name === type));
    for (const { name, version } of categories) types.set(typeKey(name, version), isSync);
    for (const type of bare) types.set(typeKey(type, 0), isSync);
  }
  return types;
}
