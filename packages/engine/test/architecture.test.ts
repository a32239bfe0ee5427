import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACTION_TRANSITIONS, ATTEMPT_TRANSITIONS, RUN_TRANSITIONS } from "../src/phase.ts";

const text = readFileSync(new URL("../../../ARCHITECTURE.md", import.meta.url), "utf8");

function edgesDrawn(title: string): string[] {
  const section = text.split(`### ${title}\n`)[1]?.split("```")[1] ?? "";
  return [...section.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map((match) => `${match[1]} --> ${match[2]}`).sort();
}

const edgesAllowed = (table: Record<string, readonly string[]>) =>
  Object.entries(table)
    .flatMap(([from, targets]) => targets.map((to) => `${from} --> ${to}`))
    .sort();

test.each([
  ["Run", RUN_TRANSITIONS],
  ["Action", ACTION_TRANSITIONS],
  ["Attempt", ATTEMPT_TRANSITIONS],
])("the graph of %s in ARCHITECTURE.md draws the edges of its table", (title, table) => {
  expect(edgesDrawn(title)).toEqual(edgesAllowed(table));
});
