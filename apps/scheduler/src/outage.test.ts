import { InvariantError, SkeinError } from "@skein/errors";
import { expect, test } from "vitest";
import { isOutage } from "./outage.ts";

const coded = (code: string) => Object.assign(new Error("no"), { code });

test("a database, a store or a network that is away is an outage", () => {
  for (const code of [
    "08006",
    "53300",
    "57P01",
    "55P03",
    "40P01",
    "58030",
    "25006",
    "ECONNREFUSED",
    "EPIPE",
    "ELOOP",
  ]) {
    expect([code, isOutage(coded(code))]).toEqual([code, true]);
  }
  expect(isOutage(new Error("Connection terminated unexpectedly"))).toBe(true);
  expect(isOutage(new Error("timeout exceeded when trying to connect"))).toBe(true);
  expect(isOutage(new SkeinError("unavailable", "storage_unavailable", "no"))).toBe(true);
  expect(isOutage(new SkeinError("failed_precondition", "storage_refused", "no"))).toBe(true);
  expect(isOutage(new SkeinError("permission_denied", "storage_forbidden", "no"))).toBe(false);
});

test("what would go wrong again in the same way is none", () => {
  for (const code of ["22P02", "23505", "23514", "42703", "XX000", "P0001", "54000"]) {
    expect([code, isOutage(coded(code))]).toEqual([code, false]);
  }
  expect(isOutage(Object.assign(new TypeError("no"), { code: "ERR_INVALID_ARG_TYPE" }))).toBe(false);
  expect(isOutage(new InvariantError("the connection of nodes"))).toBe(false);
  expect(isOutage(new TypeError("cannot connect undefined"))).toBe(false);
  expect(isOutage(new Error("illegal tag: field no 0 wire type 0"))).toBe(false);
  expect(isOutage(new SkeinError("not_found", "object_not_found", "no"))).toBe(false);
  expect(isOutage("nothing")).toBe(false);
});
