import { create } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { SortSchema } from "@skein/idl/admin";
import { seededRandom } from "@skein/testing";
import { describe, expect, test } from "vitest";
import { EXECUTION_FIELDS, NODE_EXECUTION_FIELDS, TASK_FIELDS } from "./fields.ts";
import { nextToken, readListRequest } from "./list-request.ts";
import { parseFilters } from "./parse-filters.ts";

const where = (filters: string) => readListRequest(EXECUTION_FIELDS, { limit: 10, token: "", filters }).where;
const failure = (ask: () => unknown): string => {
  try {
    ask();
  } catch (error) {
    if (error instanceof SkeinError && error.code === "invalid_argument") return error.message;
    throw error;
  }
  throw new Error("it was expected to be refused");
};

describe("a filter text", () => {
  test("of flytectl's selector becomes two conditions", () => {
    expect(where("value_in(execution.phase,FAILED;SUCCEEDED)+gt(execution.duration,200)")).toEqual([
      { field: "phase", operator: "in", values: ["failed", "succeeded"] },
      { field: "duration", operator: "gt", values: [200] },
    ]);
  });

  test("may hold commas, parentheses and plus signs in its values", () => {
    expect(parseFilters("eq(name,a,b(c)+d)+gt(created_at,2026-01-01T00:00:00+02:00)")).toEqual([
      { operator: "eq", entity: undefined, field: "name", values: ["a,b(c)+d"] },
      { operator: "gt", entity: undefined, field: "created_at", values: ["2026-01-01T00:00:00+02:00"] },
    ]);
  });

  test("reads durations as seconds and as Go writes them", () => {
    expect(where("lt(duration,1h30m0.5s)")[0]?.values).toEqual([5400.5]);
    expect(where("lt(duration,1500ms)")[0]?.values).toEqual([1.5]);
  });

  test("reads times with their zone", () => {
    expect(where("gte(started_at,2026-01-01T00:00:00+02:00)")[0]?.values).toEqual([new Date("2025-12-31T22:00:00Z")]);
  });

  test("reads states by number and by name, and phases that we never have as matching nothing", () => {
    expect(where("eq(state,1)")).toEqual([{ field: "state", operator: "in", values: ["archived"] }]);
    expect(where("eq(phase,TIMED_OUT)")).toEqual([{ field: "phase", operator: "in", values: [] }]);
  });

  test("of nodes takes a running phase for our aborting too", () => {
    const query = readListRequest(NODE_EXECUTION_FIELDS, { limit: 1, token: "", filters: "eq(phase,RUNNING)" });
    expect(query.where).toEqual([{ field: "phase", operator: "in", values: ["running", "aborting"] }]);
  });

  test.each([
    ["eq(phase)", "eq(phase)"],
    ["like(name,x)", "like"],
    ["eq(name,a;b)", "value_in"],
    ["eq(secret,x)", "secret"],
    ["eq(task.secret,x)", "task.secret"],
    ["eq(node_execution.phase,FAILED)", "node_execution"],
    ["eq(phase,BROKEN)", "phase"],
    ["gt(phase,RUNNING)", "phase"],
    ["contains(duration,1)", "duration"],
    ["eq(duration,soon)", "duration"],
    ["eq(created_at,yesterday)", "created_at"],
    ["eq(created_at,2026-13-45T99:00:00Z)", "created_at"],
    ["eq(__proto__,x)", "__proto__"],
    ["eq(constructor,x)", "constructor"],
    ["eq(a.b.c,x)", "a.b.c"],
    ["eq(name;drop,x)", "name;drop"],
    ["eq(name,x\u0000)", "name"],
    ["nonsense", "nonsense"],
    [`eq(name,${"x".repeat(20_000)})`, "longer"],
  ])("is refused: %s", (filters, named) => {
    expect(failure(() => where(filters))).toContain(named);
  });

  test("never yields a field outside the list, whatever the text", () => {
    const random = seededRandom(7);
    const alphabet = [
      "eq",
      "ne",
      "(",
      ")",
      ",",
      "+",
      ";",
      ".",
      "name",
      "phase",
      "execution",
      "'",
      '"',
      "--",
      "\\",
      "%",
      "\n",
      "ü",
      "0",
    ];
    const known = new Set(Object.values(EXECUTION_FIELDS.own).map((field) => field.field));
    for (let round = 0; round < 5_000; round++) {
      const text = Array.from({ length: 1 + random.below(12) }, () => random.pick(alphabet)).join("");
      try {
        for (const condition of where(text)) expect(known).toContain(condition.field);
      } catch (error) {
        if (!(error instanceof SkeinError && error.code === "invalid_argument")) throw error;
      }
    }
  });
});

describe("a page", () => {
  const page = (limit: number, token: string) => readListRequest(TASK_FIELDS, { limit, token });

  test("starts where its token says, and has a next one only when it is full", () => {
    const query = page(10, "30");
    expect(query.offset).toBe(30);
    expect(nextToken(query, 10)).toBe("40");
    expect(nextToken(query, 9)).toBe("");
  });

  test.each(["-1", "1.5", "abc", "1e9", "99999999999999999999"])("is refused for the token %s", (token) => {
    expect(failure(() => page(10, token))).toContain("token");
  });

  test("of nothing is refused", () => {
    expect(failure(() => page(0, ""))).toContain("limit");
  });

  test("sorts newest first unless told otherwise", () => {
    const sorted = (key: string, direction = 0) =>
      readListRequest(TASK_FIELDS, { limit: 1, token: "", sortBy: create(SortSchema, { key, direction }) }).sort;
    expect(sorted("created_at")).toEqual({ field: "createdAt", descending: true });
    expect(sorted("task.created_at", 1)).toEqual({ field: "createdAt", descending: false });
    expect(failure(() => sorted("created_at; drop table runs"))).toContain("sort_by.key");
  });
});
