import { artifactUris, type GraphNode } from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { LiteralMapSchema, type LiteralType, type TypedInterface, type VariableMap } from "@skein/idl/core";

/** An object that an action made or used: a row of `artifact_links`, whose `uri_hash` is `md5(uri)::uuid`. */
export interface ArtifactLink {
  readonly ordinal: number;
  readonly side: "inputs" | "outputs";
  readonly uri: string;
  /** The input or output that holds it, at whatever depth. */
  readonly variable: string;
}

/** A value of an action, as it is written. */
export interface WrittenValue {
  readonly ordinal: number;
  readonly side: "inputs" | "outputs";
  readonly bytes: Uint8Array;
}

/** Of more objects in one value only the first are linked. */
const LINKS_MAX = 1_000;
const URI_LENGTH_MAX = 4_096;
/** Larger values are not searched for literals that were offloaded although their type names no object. */
const SEARCHED_BYTES_MAX = 1024 * 1024;

/**
 * The objects that a value of an action holds. Only tasks make and use objects, and a map's inputs are those of its items; all
 * other actions pass on what tasks made. What cannot hold any by its type costs nothing. URIs inside of msgpack are text
 * like any other and are not seen.
 */
export function artifactLinks({ target }: GraphNode, { ordinal, side, bytes }: WrittenValue): ArtifactLink[] {
  const isMap = target.kind === "array" && side === "inputs";
  const inner = isMap ? target.array.node.target : target;
  if (inner.kind !== "task") return [];
  const variables = linkedVariables(inner.task.template.interface)[side];
  if (variables.size === 0 && !mayBeOffloaded(bytes)) return [];
  const links: ArtifactLink[] = [];
  for (const [variable, literal] of Object.entries(fromBytes(LiteralMapSchema, bytes).literals)) {
    if (!variables.has(variable) && literal.value.case !== "offloadedMetadata") continue;
    for (const uri of new Set(artifactUris(literal))) {
      if (links.length === LINKS_MAX) return links;
      if (isStorable(uri)) links.push({ ordinal, side, uri, variable });
    }
  }
  return links;
}

/** Whether values of an action may hold objects by their type, so that it is worth to read one only for its links. */
export function mayHoldArtifacts({ target }: GraphNode, side: "inputs" | "outputs"): boolean {
  return target.kind === "task" && linkedVariables(target.task.template.interface)[side].size > 0;
}

const isStorable = (uri: string): boolean => uri !== "" && uri.length <= URI_LENGTH_MAX && !uri.includes("\u0000");

/** Any literal may have been offloaded by its task; what is left of it names where it lies. */
const mayBeOffloaded = (bytes: Uint8Array): boolean =>
  bytes.length <= SEARCHED_BYTES_MAX && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("://");

interface LinkedVariables {
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
}

const NONE: LinkedVariables = { inputs: new Set(), outputs: new Set() };
/** Interfaces belong to programs, which live as long as somebody runs them. */
const known = new WeakMap<TypedInterface, LinkedVariables>();

function linkedVariables(io: TypedInterface | undefined): LinkedVariables {
  if (!io) return NONE;
  let found = known.get(io);
  if (!found) {
    found = { inputs: namesOf(io.inputs), outputs: namesOf(io.outputs) };
    known.set(io, found);
  }
  return found;
}

const namesOf = (map: VariableMap | undefined): ReadonlySet<string> =>
  new Set(Object.entries(map?.variables ?? {}).flatMap(([name, { type }]) => (mayHold(type) ? [name] : [])));

function mayHold(literalType: LiteralType | undefined): boolean {
  const type = literalType?.type;
  switch (type?.case) {
    case "blob":
    case "schema":
    case "structuredDatasetType":
      return true;
    case "collectionType":
    case "mapValueType":
      return mayHold(type.value);
    case "unionType":
      return type.value.variants.some(mayHold);
    default:
      return false;
  }
}
