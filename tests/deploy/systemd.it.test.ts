import { execFile } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTempFolder, requireTool } from "@skein/testing";
import { expect, test } from "vitest";

const UNIT = fileURLToPath(new URL("../../deploy/systemd/skein-agent.service", import.meta.url));
const analyze = requireTool("systemd-analyze", "apt-get install systemd");
const run = promisify(execFile);

test.skipIf(analyze === undefined)("systemd understands the agent's unit, and grants it little", async () => {
  const temp = createTempFolder("systemd");
  // Only the program is not where the unit expects it.
  const program = join(temp.path, "node");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  const unit = join(temp.path, "skein-agent.service");
  writeFileSync(unit, readFileSync(UNIT, "utf8").replace("/usr/bin/node", program));
  try {
    const { stdout, stderr } = await run(analyze ?? "", ["verify", "--man=no", unit]);
    const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("skein-agent"));
    expect(complaints).toEqual([]);
    await run(analyze ?? "", ["security", "--offline=true", "--threshold=55", unit]);
  } finally {
    await temp.close();
  }
});
