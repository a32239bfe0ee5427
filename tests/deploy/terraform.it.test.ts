import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireTool } from "@skein/testing";
import { beforeAll, expect, test } from "vitest";

const folder = fileURLToPath(new URL("../../deploy/terraform", import.meta.url));
const hclfmt = requireTool("hclfmt", "go install github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.24.0");
const texts = new Map<string, string>();

beforeAll(async () => {
  for await (const path of glob("**/*.tf", { cwd: folder })) texts.set(path, readFileSync(join(folder, path), "utf8"));
});

test.skipIf(!hclfmt)("every file parses and is formatted", () => {
  expect(texts.size).toBeGreaterThan(5);
  for (const [path, text] of texts) {
    // It ends with an error where a file does not parse.
    const formatted = execFileSync(hclfmt ?? "", [join(folder, path)], { encoding: "utf8" });
    expect(formatted, path).toBe(text);
  }
});

test("each module uses the variables that it declares, and no others", () => {
  const modules = Map.groupBy(texts, ([path]) => path.split("/")[0]);
  for (const [module, files] of modules) {
    const text = files.map(([, part]) => part).join("\n");
    const found = (pattern: RegExp) => new Set(Array.from(text.matchAll(pattern), ([, name]) => name));
    expect([...found(/\bvar\.(\w+)/g)].sort(), module).toEqual([...found(/^variable "(\w+)"/gm)].sort());
  }
});
