import { fieldSize, readFields, WireWriter } from "./wire.ts";

const ENTRY = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;
const LITERAL_COLLECTION = 2;
const COLLECTION_ELEMENT = 1;

/** A `Literal` that is None: `scalar { none_type {} }`. */
const NONE = Uint8Array.of(0x0a, 0x02, 0x2a, 0x00);

/** The elements of one output, written as the fields that they are in a list. */
interface OutputList {
  readonly elements: WireWriter;
  count: number;
  /** Where the last element begins. */
  lastStart: number;
}

/**
 * Puts the outputs of a map's items together: each output of an item becomes an element of a list of that name. Nothing is
 * decoded, and nothing is kept but the lists.
 */
export class OutputGatherer {
  readonly #lists = new Map<string, OutputList>();
  readonly #decoder = new TextDecoder();
  #count = 0;

  /** `names`: the outputs that are lists even if no item has them. */
  constructor(names: Iterable<string>) {
    for (const name of names) this.#lists.set(name, newList());
  }

  /**
   * Adds the next item: its outputs as a serialized `LiteralMap`, or null where it has none, as after a failure. Throws a
   * `WireError` when the bytes are no message.
   */
  add(outputs: Uint8Array | null): void {
    if (outputs) this.#addOutputs(outputs);
    this.#count += 1;
    for (const list of this.#lists.values()) pad(list, this.#count);
  }

  #addOutputs(outputs: Uint8Array): void {
    readFields(outputs, 0, outputs.length, (entry) => {
      if (entry.no !== ENTRY || !entry.isDelimited) return;
      let name = "";
      let value: Uint8Array = new Uint8Array();
      readFields(outputs, entry.contentStart, entry.end, (field) => {
        const content = outputs.subarray(field.contentStart, field.end);
        if (field.no === ENTRY_KEY) name = this.#decoder.decode(content);
        if (field.no === ENTRY_VALUE) value = content;
      });
      const list = this.#listOf(name);
      // As everywhere in protobuf, the last entry of a name counts.
      if (list.count > this.#count) dropLast(list);
      push(list, value);
    });
  }

  #listOf(name: string): OutputList {
    const known = this.#lists.get(name);
    if (known) return known;
    const list = newList();
    pad(list, this.#count);
    this.#lists.set(name, list);
    return list;
  }

  /** The lists as a serialized `LiteralMap`. */
  finish(): Uint8Array {
    const encoder = new TextEncoder();
    const entries = [...this.#lists].map(([name, { elements }]) => {
      const key = encoder.encode(name);
      const literalSize = fieldSize(elements.length);
      return { key, elements, literalSize, size: fieldSize(key.length) + fieldSize(literalSize) };
    });
    const writer = new WireWriter(entries.reduce((sum, { size }) => sum + fieldSize(size), 0));
    for (const { key, elements, literalSize, size } of entries) {
      writer.open(ENTRY, size);
      writer.open(ENTRY_KEY, key.length);
      writer.write(key);
      writer.open(ENTRY_VALUE, literalSize);
      writer.open(LITERAL_COLLECTION, elements.length);
      writer.write(elements.finish());
    }
    return writer.finish();
  }
}

const newList = (): OutputList => ({ elements: new WireWriter(), count: 0, lastStart: 0 });

function push(list: OutputList, element: Uint8Array): void {
  list.lastStart = list.elements.length;
  list.count += 1;
  list.elements.open(COLLECTION_ELEMENT, element.length);
  list.elements.write(element);
}

function dropLast(list: OutputList): void {
  list.elements.truncate(list.lastStart);
  list.count -= 1;
}

function pad(list: OutputList, count: number): void {
  while (list.count < count) push(list, NONE);
}
