import { expect, test } from "vitest";
import { secretTable } from "./secret-table.ts";

test("secrets stand in columns, and a star means everybody's", () => {
  const set = { version: 12, createdBy: "ann", createdAt: "2026-01-02T03:04:05.000Z" };
  const table = secretTable([
    { project: "flytesnacks", domain: null, group: "db", key: "password", ...set },
    { project: null, domain: null, group: null, key: "token", ...set },
  ]);
  expect(table.split("\n")).toEqual([
    "PROJECT      DOMAIN  GROUP  KEY       VERSION  SET BY  SET AT",
    "flytesnacks  *       db     password  12       ann     2026-01-02T03:04:05.000Z",
    "*            *              token     12       ann     2026-01-02T03:04:05.000Z",
  ]);
  expect(secretTable([])).toBe("No secrets are kept here.");
});
