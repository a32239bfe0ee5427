import { RunEnded } from "@skein/contracts";
import { expect, test } from "vitest";
import { z } from "zod";
import { firstLines } from "./run-ended.ts";

test("what receivers are promised is what the page beside the code says", async () => {
  const schema = `${JSON.stringify(z.toJSONSchema(RunEnded), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot("../../../../docs/run-ended.schema.json");
});

test("only the first lines of an error are told", () => {
  expect(firstLines("one\ntwo")).toBe("one\ntwo");
  expect(firstLines(Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n"))).toMatch(/line 9\n…$/);
  expect(firstLines("x".repeat(10_000))).toHaveLength(2_002);
});
