import { create } from "@bufbuild/protobuf";
import { type ConnectionSet, ConnectionSetSchema } from "@skein/idl/core";

type Edges = Map<string, Set<string>>;

const add = (edges: Edges, from: string, to: string): void => {
  const known = edges.get(from);
  if (known) known.add(to);
  else edges.set(from, new Set([to]));
};

const sortedLists = (edges: Edges) =>
  Object.fromEntries([...edges].map(([id, others]) => [id, { ids: [...others].sort() }]));

/** The edges of one workflow while it is being compiled. */
export class Connections {
  readonly #upstream: Edges = new Map();
  readonly #downstream: Edges = new Map();
  /** Edges that only order a branch after what its inner nodes wait for; they are checked for cycles and not shown. */
  readonly #hidden: Edges = new Map();

  connect(from: string, to: string): void {
    add(this.#downstream, from, to);
    add(this.#upstream, to, from);
  }

  /** For nodes outside the main graph (a branch's inner nodes, the failure node): they wait, nobody waits for them. */
  connectUpstreamOnly(from: string, to: string, owner?: string): void {
    add(this.#upstream, to, from);
    if (owner !== undefined) this.order(from, owner);
  }

  /** A branch starts after `from` because one of its inner nodes must. */
  order(from: string, branch: string): void {
    add(this.#hidden, from, branch);
  }

  hasUpstream = (id: string): boolean => this.#upstream.has(id);
  hasDownstream = (id: string): boolean => this.#downstream.has(id);
  downstreamOf = (id: string): Iterable<string> => this.#downstream.get(id) ?? [];

  /** Everything that must end after `id`, hidden edges included. */
  dependentsOf(id: string): string[] {
    return [...(this.#downstream.get(id) ?? []), ...(this.#hidden.get(id) ?? [])];
  }

  toMessage(): ConnectionSet {
    return create(ConnectionSetSchema, {
      downstream: sortedLists(this.#downstream),
      upstream: sortedLists(this.#upstream),
    });
  }
}
