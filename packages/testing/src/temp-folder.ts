import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "skein-test-";

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** Removes the folders of test processes that were killed before they could. */
function sweepTempFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^skein-test-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

let swept = false;

/** A new folder for this process; `close` removes it. What a killed process left is removed by the next one. */
export function createTempFolder(purpose: string): { path: string; close(): Promise<void> } {
  if (!swept) sweepTempFolders();
  swept = true;
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${purpose}-`));
  return { path, close: async () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
