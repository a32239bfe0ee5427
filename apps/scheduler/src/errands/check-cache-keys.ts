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
import type { Values } from "../values.ts";
import type { Errand } from "./errand.ts";

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
  readonly #keys = new Map<number, ActionKey>();
  readonly #versions = new WeakMap<GraphNode, string>();

  constructor(values: Values) {
    this.#values = values;
  }

  /** The keys of the errands' actions, in their order. */
  async of(errands: readonly Errand[]): Promise<ActionKey[]> {
    const byInputs = Map.groupBy(
      errands.filter(({ id }) => !this.#keys.has(id)),
      (errand) => `${errand.run.runId}/${inputsOf(errand).ordinal}`,
    );
    const groups = [...byInputs.values()];
    const computed = new Map<number, ActionKey>();
    for (let start = 0; start < groups.length; start += INPUTS_AT_ONCE) {
      const some = groups.slice(start, start + INPUTS_AT_ONCE);
      const loaded = await this.#values.load(some.flatMap(([first]) => (first ? [inputsOf(first)] : [])));
      for (const [index, group] of some.entries()) {
        for (const errand of group) computed.set(errand.id, this.#compute(errand, loaded[index]));
      }
    }
    const keys = errands.map(({ id }) => computed.get(id) ?? this.#keys.get(id));
    for (const [id, key] of computed) this.#keys.set(id, key);
    for (const id of this.#keys.keys()) {
      if (this.#keys.size <= REMEMBERED_MAX) break;
      this.#keys.delete(id);
    }
    return keys.map((key) => {
      invariant(key, "every errand has a key");
      return key;
    });
  }

  forget(errand: Errand): void {
    this.#keys.delete(errand.id);
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
