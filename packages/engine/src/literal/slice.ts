import { at } from "../at.ts";
import type { Failure } from "../event.ts";
import type { ArraySpec } from "../program.ts";
import { fieldSize, readFields, WireError, type WireField, WireWriter } from "./wire.ts";

/** A map's inputs, ready to be handed out: how many items there are, and what each of them is given. */
export interface Slices {
  readonly count: number;
  /** A serialized `LiteralMap` with the item's element of every list, and everything else as it is. */
  itemInputs(index: number): Uint8Array;
}

export type SliceResult = Slices | { readonly failure: Failure };

/** What decides how inputs are cut. */
type SliceSpec = Pick<ArraySpec, "boundInputs">;

const known = new WeakMap<Uint8Array, { readonly spec: SliceSpec; readonly result: SliceResult }>();

/**
 * Cuts the inputs of a map, a serialized `LiteralMap`, into those of its items. The bytes are scanned once, however often
 * this is called with them.
 */
export function sliceInputs(bytes: Uint8Array, spec: SliceSpec): SliceResult {
  const found = known.get(bytes);
  if (found?.spec === spec) return found.result;
  const result = scan(bytes, spec);
  known.set(bytes, { spec, result });
  return result;
}

/** An entry of the map that each item gets a part of. */
interface ListEntry {
  readonly name: string;
  /** The entry's key, as a field. */
  readonly key: Uint8Array;
  /** Where each element begins and ends. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

function scan(bytes: Uint8Array, { boundInputs }: SliceSpec): SliceResult {
  const whole: Uint8Array[] = [];
  const lists: ListEntry[] = [];
  let isAllBound = true;
  try {
    for (const [name, entry] of readEntries(bytes)) {
      const list = boundInputs.has(name) ? undefined : readList(bytes, name, entry);
      if (list) lists.push(list);
      else whole.push(bytes.subarray(entry.start, entry.end));
      isAllBound &&= boundInputs.has(name);
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return failure("BindingResolutionFailure", `The inputs cannot be cut into items: ${error.message}.`, "system");
  }
  const [first] = lists;
  if (!first && !isAllBound) return failure("InvalidArrayLength", "no input array provided");
  const count = first?.starts.length ?? 1;
  const other = lists.find(({ starts }) => starts.length !== count);
  if (!other) return { count, itemInputs: (index) => join(bytes, whole, lists, index) };
  const lengths = `expecting '${count}' found '${other.starts.length}'`;
  const message = `input arrays have different lengths: ${lengths} (inputs "${first?.name}" and "${other.name}")`;
  return failure("InvalidArrayLength", message);
}

const failure = (code: string, message: string, kind: Failure["kind"] = "user"): SliceResult => ({
  failure: { code, message, kind, recoverable: false },
});

/** Fields of protobuf messages that are looked into. */
const ENTRY = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;
const LITERAL_SCALAR = 1;
const LITERAL_COLLECTION = 2;
const LITERAL_MAP = 3;
const LITERAL_OFFLOADED = 8;
const SCALAR_UNION = 9;
const UNION_VALUE = 1;
const COLLECTION_ELEMENT = 1;

const LITERAL_VALUES: ReadonlySet<number> = new Set([
  LITERAL_SCALAR,
  LITERAL_COLLECTION,
  LITERAL_MAP,
  LITERAL_OFFLOADED,
]);

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly key: WireField | undefined;
  readonly value: WireField | undefined;
}

/** The entries of a `LiteralMap` by name; as everywhere in protobuf, the last one of a name counts. */
function readEntries(bytes: Uint8Array): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const decoder = new TextDecoder();
  readFields(bytes, 0, bytes.length, (field) => {
    if (field.no !== ENTRY || !field.isDelimited) return;
    const key = lastField(bytes, field, ENTRY_KEY);
    const name = key ? decoder.decode(bytes.subarray(key.contentStart, key.end)) : "";
    const { start, end } = field;
    entries.set(name, { start, end, key, value: lastField(bytes, field, ENTRY_VALUE) });
  });
  return entries;
}

function lastField(bytes: Uint8Array, { contentStart, end }: WireField, no: number): WireField | undefined {
  let found: WireField | undefined;
  readFields(bytes, contentStart, end, (field) => {
    if (field.no === no && field.isDelimited) found = field;
  });
  return found;
}

/** The elements of an entry whose value is a list, also inside of a union; undefined for any other value. */
function readList(bytes: Uint8Array, name: string, { key, value }: Entry): ListEntry | undefined {
  const literal = value && valueFieldOf(bytes, value);
  if (literal?.no === LITERAL_OFFLOADED)
    throw new WireError(`the value of "${name}" lies in a file of its own, which a map cannot read`);
  if (literal?.no !== LITERAL_COLLECTION) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  readFields(bytes, literal.contentStart, literal.end, (field) => {
    if (field.no !== COLLECTION_ELEMENT || !field.isDelimited) return;
    starts.push(field.contentStart);
    ends.push(field.end);
  });
  return { name, key: key ? bytes.subarray(key.start, key.end) : new Uint8Array(), starts, ends };
}

/** The field that holds a literal's value; that of a union is the one inside of it. */
function valueFieldOf(bytes: Uint8Array, literal: WireField): WireField | undefined {
  let value: WireField | undefined;
  readFields(bytes, literal.contentStart, literal.end, (field) => {
    if (LITERAL_VALUES.has(field.no) && field.isDelimited) value = field;
  });
  const union = value?.no === LITERAL_SCALAR ? lastField(bytes, value, SCALAR_UNION) : undefined;
  const inner = union && lastField(bytes, union, UNION_VALUE);
  return inner ? valueFieldOf(bytes, inner) : value;
}

function join(bytes: Uint8Array, whole: readonly Uint8Array[], lists: readonly ListEntry[], index: number): Uint8Array {
  const parts = lists.map(({ key, starts, ends }) => {
    const element = bytes.subarray(at(starts, index), at(ends, index));
    return { key, element, size: key.length + fieldSize(element.length) };
  });
  const sizeOfParts = parts.reduce((sum, { size }) => sum + fieldSize(size), 0);
  const writer = new WireWriter(whole.reduce((sum, { length }) => sum + length, sizeOfParts));
  for (const entry of whole) writer.write(entry);
  for (const { key, element, size } of parts) {
    writer.open(ENTRY, size);
    writer.write(key);
    writer.open(ENTRY_VALUE, element.length);
    writer.write(element);
  }
  return writer.finish();
}
