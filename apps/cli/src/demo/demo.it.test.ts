import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTempFolder, findTool } from "@skein/testing";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

test("without Python, and with its port taken, the demo says so, runs a command and shows its log", async () => {
  const folder = createTempFolder("demo");
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  for (const tool of ["sh", "ps", "id", "cat", "uname", "sleep", "env"])
    symlinkSync(findTool(tool) ?? "", join(bin, tool));
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  const env = {
    PATH: bin,
    HOME: folder.path,
    SKEIN_HOME: join(folder.path, "skein"),
    SKEIN_PORT: `${port}`,
    // The programs stand in a temporary folder, which isolation would hide.
    SKEIN_ISOLATION: "none",
  };
  const child = spawn(process.execPath, [MAIN, "demo", "--exit"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "close");
  blocker.close();
  await folder.close();
  expect(output).toContain("There is no Python 3.9 or newer");
  expect(output).toContain(`Port ${port} is in use, so Skein takes`);
  expect(output).toMatch(/hello\s+succeeded/);
  expect(output).toContain("This task ran as a plain process.");
  expect(code).toBe(0);
}, 120_000);
