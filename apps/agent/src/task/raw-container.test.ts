import { expect, test } from "vitest";
import { replacePaths } from "./raw-container.ts";

const mounts = {
  "/in": { source: "/work/in/data", isWritable: false },
  "/in/out/": { source: "/work/out", isWritable: true },
};

test.each([
  ["cat /in/inputs.json >/in/out/x", "cat /work/in/data/inputs.json >/work/out/x"],
  ["--from=/in --to='/in/out'", "--from=/work/in/data --to='/work/out'"],
  ["/inputs /in-b /in.d /var/in ./in a/in", "/inputs /in-b /in.d /var/in ./in a/in"],
  ["ls /in.", "ls /work/in/data."],
])("%s becomes %s", (word, expected) => {
  expect(replacePaths([word], mounts)).toEqual([expected]);
});

test("without mounts words stay as they are", () => {
  expect(replacePaths(["a /in"], {})).toEqual(["a /in"]);
});
