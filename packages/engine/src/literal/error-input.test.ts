import { create } from "@bufbuild/protobuf";
import { fromBytes } from "@skein/idl";
import { LiteralMapSchema, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { literals } from "../../test/closures.ts";
import {
  INT,
  integer,
  listOf,
  NONE,
  nothing,
  scalar,
  simple,
  tagged,
  unionLiteral,
  unionOf,
} from "../../test/literals.ts";
import { takesError, withError } from "./error-input.ts";

const ERROR = tagged(simple(SimpleType.ERROR), "FlyteError");
const bytes = literals({ x: integer(1), err: unionLiteral(nothing(), NONE) });

test("an error is taken by an input that is one, or may be one", () => {
  expect([ERROR, unionOf(NONE, ERROR), unionOf(INT, NONE), INT, listOf(ERROR)].map(takesError)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("an optional error is a union of the declared variant, another one stands by itself", () => {
  const types = new Map([
    ["err", unionOf(ERROR, NONE)],
    ["plain", ERROR],
  ]);
  const error = scalar({ case: "error", value: { message: "it broke", failedNodeId: "n1" } });
  const { literals: found } = fromBytes(LiteralMapSchema, withError(bytes, types, "it broke", "n1"));
  expect(found).toEqual(
    create(LiteralMapSchema, {
      literals: { x: integer(1), err: unionLiteral(error, ERROR), plain: error },
    }).literals,
  );
});

test("without such an input the bytes stay as they are", () => {
  expect(withError(bytes, new Map(), "it broke", "n1")).toBe(bytes);
});
