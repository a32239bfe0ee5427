import { Command } from "commander";
import { expect, test } from "vitest";
import { type FilterOptions, readCondition, readFilter, withFilter } from "./run-filter.ts";

const tenant = { project: "shop", domain: "production" };
const filterOf = (...args: string[]) => {
  const command = withFilter(new Command()).exitOverride();
  return readFilter({ tenant }, command.parse(args, { from: "user" }).opts<FilterOptions>());
};

test("without options all active runs of the domain are meant", () => {
  expect(filterOf()).toEqual({ ...tenant, labels: {}, inputs: [] });
  expect(filterOf("--all-domains", "--archived")).toEqual({
    project: "shop",
    states: ["archived"],
    labels: {},
    inputs: [],
  });
});

test("options become what the server is asked", () => {
  const args = ["--phase", "failed", "--phase", "aborted", "--label", "team=a", "--by", "ann", "--longer-than", "5m"];
  expect(filterOf(...args, "--since", "2026-01-31T12:00:00Z", "--version", "v1")).toMatchObject({
    phases: ["failed", "aborted"],
    labels: { team: "a" },
    principals: ["ann"],
    durationMin: 300,
    createdAfter: "2026-01-31T12:00:00.000Z",
    version: "v1",
  });
  expect(() => filterOf("--phase", "done")).toThrow('--phase: "done" must be one of queued, running');
});

test("an input is compared as a number and as text, because its type is not said", () => {
  expect(readCondition("x=5")).toEqual({ name: "x", operator: "eq", value: [5, "5"] });
  expect(readCondition("x=9223372036854775807")).toEqual({ name: "x", operator: "eq", value: "9223372036854775807" });
  expect(readCondition("on=true")).toEqual({ name: "on", operator: "eq", value: [true, "true"] });
  expect(readCondition("x>=0.5")).toEqual({ name: "x", operator: "gte", value: 0.5 });
  expect(readCondition("name~a=b")).toEqual({ name: "name", operator: "contains", value: "a=b" });
  expect(readCondition("s=")).toEqual({ name: "s", operator: "eq", value: "" });
  expect(() => readCondition("x")).toThrow('--input: "x" must be name=value');
});
