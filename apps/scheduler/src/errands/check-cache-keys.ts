import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { RunValueRef } from "@skein/db";
import {
  type CacheAddress,
  cacheAddress,
  cacheDatasetVersion,
  cacheKey,
  cacheTag,
  type GraphNode,
  sliceInputs,
  type TextDigest,
} from "@skein/engine";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { LiteralMapSchema, TypedInterfaceSchema } from "@skein/idl/core";
import type { Logger } from "@skein/telemetry";
import { isOutage } from "../outage.ts";
import type { Values } from "../values.ts";
import type { Errand, ErrandTools } from "./errand.ts";

/** Under which key the cache holds an action's outputs. */
export interface ActionKey {
  readonly key: string;
  readonly address: CacheAddress;
}

/** Inputs that are loaded at once: each may be a megabyte. */
const INPUTS_AT_ONCE = 50;
/** Errands that wait are asked again and again; their keys do not change meanwhile. */
const REMEMBERED_MAX = 20_000;

const digest: TextDigest = (text) => createHash("sha256").update(text).digest("base64url");

/** Computes the keys of actions, each once. */
export class CacheKeys {
  readonly #values: Values;
  readonly #logger: Logger;
  readonly #keys = new Map<number, ActionKey>();
  readonly #versions = new WeakMap<GraphNode, string>();

  constructor({ values, logger }: Pick<ErrandTools, "values" | "logger">) {
    this.#values = values;
    this.#logger = logger;
  }

  /**
   * The keys of the errands' actions, by errand. It is missing where the inputs cannot be read: whatever is wrong with
   * them, the task itself finds out. Rejects when the database or the store is away.
   */
  async of(errands: readonly Errand[]): Promise<ReadonlyMap<number, ActionKey>> {
    const byInputs = Map.groupBy(
      errands.filter(({ id }) => !this.#keys.has(id)),
      (errand) => `${errand.run.runId}/${inputsOf(errand).ordinal}`,
    );
    const groups = [...byInputs.values()];
    const computed = new Map<number, ActionKey>();
    for (let start = 0; start < groups.length; start += INPUTS_AT_ONCE) {
      for (const [id, key] of await this.#read(groups.slice(start, start + INPUTS_AT_ONCE))) computed.set(id, key);
    }
    const keys = new Map<number, ActionKey>();
    for (const { id } of errands) {
      const key = computed.get(id) ?? this.#keys.get(id);
      if (key) keys.set(id, key);
    }
    this.#remember(computed);
    return keys;
  }

  forget(errand: Errand): void {
    this.#keys.delete(errand.id);
  }

  #remember(computed: ReadonlyMap<number, ActionKey>): void {
    for (const [id, key] of computed) this.#keys.set(id, key);
    for (const id of this.#keys.keys()) {
      if (this.#keys.size <= REMEMBERED_MAX) break;
      this.#keys.delete(id);
    }
  }

  /** The keys of groups that share their inputs. One that cannot be read must not keep the others from it. */
  async #read(groups: readonly (readonly Errand[])[]): Promise<[number, ActionKey][]> {
    try {
      const loaded = await this.#values.load(groups.flatMap(([first]) => (first ? [inputsOf(first)] : [])));
      return groups.flatMap((group, index) =>
        group.map((errand): [number, ActionKey] => [errand.id, this.#compute(errand, loaded[index])]),
      );
    } catch (error) {
      if (isOutage(error)) throw error;
      if (groups.length > 1) return (await Promise.all(groups.map((group) => this.#read([group])))).flat();
      const first = groups[0]?.[0];
      const where = { runId: first?.run.runId, ordinal: first?.ordinal };
      this.#logger.warn({ err: error, ...where }, "a cached task's inputs cannot be read");
      return [];
    }
  }

  #compute({ action, map }: Errand, shared: Uint8Array | undefined): ActionKey {
    const { node, itemIndex, inputsOrdinal } = action;
    const { cache, target } = node;
    invariant(cache && target.kind === "task", "only cached tasks are looked up");
    const isSlice = map !== null && itemIndex !== null && inputsOrdinal !== null;
    const bytes = shared && isSlice ? sliceOf(shared, map, itemIndex) : shared;
    const inputs = bytes ? fromBytes(LiteralMapSchema, bytes) : create(LiteralMapSchema);
    const key = cacheKey(this.#versionOf(node), cacheTag(cache, inputs, digest));
    return { key, address: cacheAddress(target.task.key, key) };
  }

  #versionOf(node: GraphNode): string {
    const known = this.#versions.get(node);
    if (known !== undefined) return known;
    const { cache, target } = node;
    invariant(cache && target.kind === "task", "only cached tasks are looked up");
    const taskInterface = target.task.template.interface ?? create(TypedInterfaceSchema);
    const version = cacheDatasetVersion(cache, taskInterface, digest);
    this.#versions.set(node, version);
    return version;
  }
}

function inputsOf({ run, ordinal, action }: Errand): RunValueRef {
  return { runId: run.runId, ordinal: action.inputsOrdinal ?? ordinal, side: "inputs" };
}

function sliceOf(bytes: Uint8Array, map: NonNullable<Errand["map"]>, index: number): Uint8Array {
  const slices = sliceInputs(bytes, map);
  invariant("count" in slices, "the inputs of a map that runs can be cut");
  return slices.itemInputs(index);
}
