import { expect, test } from "vitest";
import { readPage } from "./read-page.ts";

interface Row {
  readonly place: number;
  readonly storedBytes: number;
}

/** A list of so many rows of a size, and the ranges that were asked of it. */
function listOf(count: number, size: number) {
  const asked: number[][] = [];
  const load = async ({ limit, offset }: { limit: number; offset: number }): Promise<Row[]> => {
    asked.push([offset, limit]);
    return Array.from({ length: Math.max(0, Math.min(limit, count - offset)) }, (_, index) => ({
      place: offset + index,
      storedBytes: size - 500,
    }));
  };
  const read = async (limit: number, offset = 0) => {
    const { rows, token } = await readPage({ limit, offset }, load, 10_000);
    return { from: rows[0]?.place, rows: rows.length, token };
  };
  return { read, asked };
}

test("a page is full, or the last", async () => {
  const { read, asked } = listOf(25, 1);
  expect(await read(10)).toEqual({ from: 0, rows: 10, token: "10" });
  expect(await read(10, 20)).toEqual({ from: 20, rows: 5, token: "" });
  expect(await read(5, 20)).toEqual({ from: 20, rows: 5, token: "25" });
  expect(await read(5, 25)).toEqual({ from: undefined, rows: 0, token: "" });
  expect(asked).toHaveLength(4);
});

test("small rows come in two loads, however many they are", async () => {
  const { read, asked } = listOf(9_000, 1);
  expect(await read(10_000)).toEqual({ from: 0, rows: 9_000, token: "" });
  expect(asked).toEqual([
    [0, 1_000],
    [1_000, 9_000],
  ]);
});

test("a page of large rows ends where the answer would be too large, and its token leads on", async () => {
  const { read } = listOf(5_000, 7);
  expect(await read(10_000)).toEqual({ from: 0, rows: 1_428, token: "1428" });
  expect(await read(10_000, 4_000)).toEqual({ from: 4_000, rows: 1_000, token: "" });
});

test("a row that is too large alone comes alone", async () => {
  const { read } = listOf(3, 20_000);
  expect(await read(10)).toEqual({ from: 0, rows: 1, token: "1" });
});
