import { expect, test } from "vitest";
import { parse } from "yaml";
import { createPrinter, fieldsOf, type OutputForm, toYaml, type View } from "./print.ts";

const view: View<{ name: string; size: string }> = {
  columns: [
    { title: "NAME", text: ({ name }) => name },
    { title: "SIZE", text: ({ size }) => size },
  ],
  nameOf: ({ name }) => name,
  empty: "Nothing.",
};
const BIG = "9223372036854775807";

function printed(form: OutputForm, rows: { name: string; size: string }[]) {
  const said = { stdout: "", stderr: "" };
  const stdout = { write: (text: string) => (said.stdout += text) };
  const stderr = { write: (text: string) => (said.stderr += text) };
  createPrinter(form, { stdout, stderr }).list(rows, view);
  return said;
}

test("a list is a table, JSON, YAML or names, and nothing else stands in standard output", () => {
  const rows = [{ name: "a", size: BIG }];
  expect(printed("table", rows).stdout).toBe(`NAME  SIZE\na     ${BIG}\n`);
  expect(JSON.parse(printed("json", rows).stdout)).toEqual(rows);
  expect(parse(printed("yaml", rows).stdout)).toEqual(rows);
  expect(printed("name", rows).stdout).toBe("a\n");
  expect(printed("table", [])).toEqual({ stdout: "", stderr: "Nothing.\n" });
  expect(printed("json", [])).toEqual({ stdout: "[]\n", stderr: "" });
});

test("YAML gives back what was written, with nothing in it that a terminal obeys", () => {
  const value = {
    number: BIG,
    no: "no",
    text: "a\nb\n",
    bad: "\u001b[2J\u009b\u202e\ttab",
    "\u001bkey": [null, true, 1.5],
  };
  const written = toYaml(value);
  expect(parse(written)).toEqual(value);
  expect(written).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_C}/u);
});

test("fields stand in a column, lines below each other, and what is unknown is left out", () => {
  const text = fieldsOf([
    ["Run", "f3"],
    ["Error", "one\ntwo\u001b"],
    ["Tags", ""],
    ["By", null],
  ]);
  expect(text).toBe("Run    f3\nError  one\n       two\\u001b");
});
