// Makes a clone ready and runs one of its commands: node scripts/bootstrap.mjs <command> [arguments].
// Needs nothing but Node 20, because it is what installs the rest; the command itself runs on the Node that package.json pins.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules/.bin");
const node = join(bin, process.platform === "win32" ? "node.cmd" : "node");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const turbo = join(root, "node_modules/turbo/bin/turbo");
const CHECKS = ["format", "types", "dead-code", "style", "schema", "unit"].map((name) => `check:${name}`);

/** Command → what the pinned Node runs; further arguments are appended. */
const COMMANDS = {
  demo: ["apps/cli/src/main.ts", "demo"],
  dev: ["apps/cli/src/main.ts", "dev"],
  skein: ["apps/cli/src/main.ts"],
  test: [vitest, "run", "--project", "it", "--project", "e2e"],
  "test:full": [vitest, "run"],
  "test:nightly": [vitest, "run", "--project", "unit", "packages/engine/test/histories.test.ts"],
  check: [turbo, "run", ...CHECKS, "--continue=always", "--log-prefix=none", "--concurrency=2"],
  bench: ["scripts/bench/main.ts"],
  bless: [vitest, "run", "--update", "--project", "unit", "--project", "it"],
};
/** A server that mostly waits: less room for young objects halves its memory and costs nothing that a laptop notices. */
const NODE_FLAGS = { demo: ["--max-semi-space-size=4"], dev: ["--max-semi-space-size=4"] };
const NIGHTLY_SEEDS = 20_000;
const DAY_MS = 86_400_000;
const ENVIRONMENTS = {
  "test:full": { SKEIN_TEST_FULL: "true", SKEIN_SEEDS: "10000" },
  // Other histories every day.
  "test:nightly": {
    SKEIN_SEEDS: String(NIGHTLY_SEEDS),
    SKEIN_FIRST_SEED: String(Math.floor(Date.now() / DAY_MS) * NIGHTLY_SEEDS),
  },
  check: { TURBO_TELEMETRY_DISABLED: "1" },
};
/** Longer than any `npm ci`: a lock older than this was left by a crash whose pid is in use again. */
const LOCK_AGE_MS_MAX = 15 * 60_000;
const LOCK_POLL_MS = 200;

const [command = "", ...rest] = process.argv.slice(2);
const target = COMMANDS[command];
if (!target) fail(`Unknown command "${command}". Use one of: ${Object.keys(COMMANDS).join(", ")}.`);
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 20)
  fail(`Node ${process.versions.node} is too old: Skein's scripts need Node 20 or newer (https://nodejs.org).`);

if (!isInstalled() || !existsSync(node)) await withLock(install);
await withLock(generate);
run(node, [...(NODE_FLAGS[command] ?? []), ...target, ...rest]);

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Whether node_modules holds what package-lock.json asks for. npm's own record is compared, since dates lie after a checkout. */
function isInstalled() {
  const wanted = readLock("package-lock.json");
  const present = readLock("node_modules/.package-lock.json");
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional || present[path]?.version === entry.version,
  );
}

function readLock(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

function install() {
  if (isInstalled() && existsSync(node)) return;
  console.error("Installing dependencies with npm (about half a minute, once)");
  if (!npm("ci") && !npm("install", "--no-save")) {
    fail("npm could not install the dependencies. What it said stands above; often there is no way to the registry.");
  }
  if (!existsSync(node)) {
    fail(
      "npm did not install Node (package `node`): are install scripts switched off? Try: npm ci --ignore-scripts=false",
    );
  }
}

/**
 * Runs npm and says whether it succeeded. `npm ci` refuses a lock that lacks optional packages for other platforms, and
 * a lock lacks them when it was written against a registry that does not have them; `npm install` takes what is there.
 */
function npm(...args) {
  const path = process.env.npm_execpath;
  const [program, start] = path?.endsWith(".js") ? [process.execPath, [path]] : ["npm", []];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr } = spawnSync(program, [...start, ...args, ...quiet], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  const isForeignLock = args[0] === "ci" && stderr?.includes("are in sync");
  if (status !== 0 && !isForeignLock) console.error(stderr);
  return status === 0;
}

function generate() {
  const script = join(root, "packages/idl/scripts/generate.mjs");
  const { status } = spawnSync(node, [script], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) fail("Generating Flyte's messages failed; what buf said stands above.");
}

/** Runs `work` in one process at a time. A lock whose owner is dead, or that is too old, is taken over. */
async function withLock(work) {
  const lock = join(root, ".skein/bootstrap.lock");
  mkdirSync(dirname(lock), { recursive: true });
  let isTold = false;
  while (!tryLock(lock)) {
    if (isStale(lock)) {
      rmSync(lock, { force: true });
    } else {
      if (!isTold) console.error("Waiting for another bootstrap to finish");
      isTold = true;
      await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  work();
  release();
  process.off("exit", release);
}

function tryLock(lock) {
  try {
    const file = openSync(lock, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isStale(lock) {
  try {
    const owner = Number(readFileSync(lock, "utf8"));
    if (Date.now() - statSync(lock).mtimeMs > LOCK_AGE_MS_MAX) return true;
    if (owner > 0) process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Hands over to the command: it gets our terminal and its exit code becomes ours. */
function run(program, args) {
  const env = {
    // Types are stripped once, not at every start.
    NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node-compile"),
    ...process.env,
    ...ENVIRONMENTS[command],
    PATH: `${bin}${delimiter}${process.env.PATH}`,
  };
  const child = spawn(program, args, { cwd: root, stdio: "inherit", env });
  // A terminal sends Ctrl-C to the child as well; a supervisor's signal reaches only us and is passed on.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`Could not start ${program}: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === "SIGINT" ? 2 : 15);
  });
}
