import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import { type Literal, LiteralMapSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { integer, list, map, nothing, text } from "../../test/literals.ts";
import { OutputGatherer } from "./gather.ts";
import { WireError } from "./wire.ts";

const bytesOf = (literals: Readonly<Record<string, Literal>>): Uint8Array =>
  toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: { ...literals } }));

function gathered(names: readonly string[], items: readonly (Uint8Array | null)[]) {
  const gatherer = new OutputGatherer(names);
  for (const item of items) gatherer.add(item);
  return fromBytes(LiteralMapSchema, gatherer.finish()).literals;
}

test("the outputs of the items become lists in the order of the items", () => {
  const items = [1, 2, 3].map((value) => bytesOf({ o: integer(value), more: map({ k: list(text("t")) }) }));
  const more = map({ k: list(text("t")) });
  expect(gathered(["o", "more"], items)).toEqual({
    o: list(integer(1), integer(2), integer(3)),
    more: list(more, more, more),
  });
});

test("an item without outputs, or without one of them, leaves None at its place", () => {
  const items = [null, bytesOf({ o: integer(1) }), bytesOf({ late: text("x") }), new Uint8Array()];
  expect(gathered(["o"], items)).toEqual({
    o: list(nothing(), integer(1), nothing(), nothing()),
    late: list(nothing(), nothing(), text("x"), nothing()),
  });
});

test("no items make empty lists, and no names make no outputs", () => {
  expect(gathered(["o"], [])).toEqual({ o: list() });
  expect(gathered([], [null])).toEqual({});
});

test("an output that an item names twice counts once, the last one", () => {
  const twice = new Uint8Array([...bytesOf({ o: text("first") }), ...bytesOf({ o: integer(2) })]);
  expect(gathered([], [bytesOf({ o: integer(1) }), twice])).toEqual({ o: list(integer(1), integer(2)) });
});

test("what is no entry is passed over, and what is no message is told", () => {
  expect(gathered([], [Uint8Array.of(0x10, 0x05), Uint8Array.of(0x0a, 0x00)])).toEqual({
    "": expect.objectContaining({ value: expect.objectContaining({ case: "collection" }) }),
  });
  expect(() => gathered([], [bytesOf({ o: text("cut") }).subarray(0, 6)])).toThrow(WireError);
});

test("long names and large elements keep their sizes", () => {
  const name = "ü".repeat(100);
  const large = text("x".repeat(70_000));
  const items = Array.from({ length: 300 }, () => bytesOf({ [name]: large }));
  const { [name]: found } = gathered([name], items);
  expect(found).toEqual(list(...items.map(() => large)));
});
