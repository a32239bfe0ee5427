import { expect, test } from "vitest";
import { type Column, cut, tableOf } from "./table.ts";

interface Row {
  readonly name: string;
  readonly phase: string;
}
const columns: readonly Column<Row>[] = [
  { title: "NAME", text: (row) => row.name, widthMax: 8 },
  { title: "PHASE", text: (row) => row.phase, paint: (cell) => `<${cell}>` },
  { title: "", text: () => "x" },
];

test("columns are as wide as what stands in them, and wide characters count as two", () => {
  const rows = [
    { name: "漢字", phase: "running" },
    { name: "a", phase: "ok" },
    { name: "👩‍👩‍👧", phase: "" },
  ];
  expect(tableOf(rows, columns).split("\n")).toEqual([
    "NAME  PHASE",
    "漢字  <running>  x",
    "a     <ok     >  x",
    "👩‍👩‍👧    <       >  x",
  ]);
});

test("a cell that is too long is cut, and one that holds a break or an escape stays in its line", () => {
  const [, first, second] = tableOf(
    [
      { name: "1234567890", phase: "" },
      { name: "a\nb", phase: "\u001b[2J" },
    ],
    columns,
  ).split("\n");
  expect(first).toMatch(/^1234567…/);
  expect(second).toMatch(/^a\\nb\s+<\\u001b\[2J>/);
});

test("nothing that reads as one character is cut in two", () => {
  expect(cut("漢字漢字", 5)).toBe("漢字…");
  expect(cut("ab👩‍👩‍👧cd", 4)).toBe("ab…");
  expect(cut("whole", 5)).toBe("whole");
});
