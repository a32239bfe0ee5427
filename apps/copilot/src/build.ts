import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { inject } from "postject";
import { bundleProgram, NODE_FLAGS } from "./bundle-program.ts";

/**
 * `node apps/copilot/src/build.ts FOLDER` makes FOLDER all that an image of copilot needs: the program, which is this very
 * Node.js with copilot inside, and the shared libraries that Node.js loads. `strip` makes it smaller where it is installed.
 */
const run = promisify(execFile);
const PROGRAM = "copilot";
/** Node.js looks for this mark, to know that it has a program inside. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

async function buildProgram(folder: string): Promise<string> {
  const [bundle, plan, blob] = ["bundle.cjs", "plan.json", "blob"].map((name) => join(folder, `.${name}`));
  const program = join(folder, PROGRAM);
  await bundleProgram(bundle ?? "");
  const options = { disableExperimentalSEAWarning: true, useCodeCache: true, execArgv: NODE_FLAGS };
  await writeFile(plan ?? "", JSON.stringify({ main: bundle, output: blob, ...options }));
  // With other flags than the program's, V8 would throw its code cache away.
  await run(process.execPath, [...NODE_FLAGS, "--experimental-sea-config", plan ?? ""]);
  await copyFile(await realpath(process.execPath), program);
  await chmod(program, 0o755);
  await run("strip", [program]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await inject(program, "NODE_SEA_BLOB", await readFile(blob ?? ""), { sentinelFuse: FUSE });
  for (const path of [bundle, plan, blob]) await rm(path ?? "");
  return program;
}

/** The libraries and their loader, where the program looks for them. */
async function copyLibraries(program: string, folder: string): Promise<void> {
  const { stdout } = await run("ldd", [program]);
  for (const [path] of stdout.matchAll(/\/\S+(?= \(0x)/g)) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(path), target);
    await chmod(target, 0o755);
  }
}

const folder = resolve(process.argv[2] ?? "dist");
await mkdir(folder, { recursive: true });
await copyLibraries(await buildProgram(folder), folder);
