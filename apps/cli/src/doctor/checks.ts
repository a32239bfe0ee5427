import { spawnSync } from "node:child_process";
import { findPostgresBinaries } from "../dev/postgres-place.ts";
import { findPython } from "../python.ts";
import { installAdvice, type PackageNames } from "./install-advice.ts";

/** One thing that Skein needs or can use on this machine. */
export interface Check {
  readonly name: string;
  /** What works only with it. */
  readonly purpose: string;
  readonly isRequired: boolean;
  /** What was found, for people; undefined when it is missing. */
  find(): string | undefined;
  /** How to get it. */
  advice(): string;
}

const NODE_OLDEST = [22, 18] as const;

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

function versionOf(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? firstLine(stdout) : undefined;
}

function findNode(): string | undefined {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough = major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
  return isEnough ? process.version : undefined;
}

const optionalTool = (name: string, args: readonly string[], purpose: string, packages: PackageNames): Check => ({
  name,
  purpose,
  isRequired: false,
  find: () => versionOf(name, args),
  advice: () => installAdvice(packages),
});

/** Everything `skein doctor` looks at. With a `databaseUrl` of their own, people need no embedded Postgres. */
export const checks = (databaseUrl: string | undefined): readonly Check[] => [
  {
    name: "Node",
    purpose: "runs Skein",
    isRequired: true,
    find: findNode,
    advice: () =>
      `Node ${NODE_OLDEST.join(".")} or newer from https://nodejs.org, or start Skein by npm run, which brings its own`,
  },
  {
    name: "npm",
    purpose: "installs Skein's parts",
    isRequired: true,
    find: () => versionOf("npm", ["--version"]),
    advice: () => "npm comes with Node: https://nodejs.org",
  },
  {
    name: "Postgres",
    purpose: "holds all state",
    isRequired: true,
    find: () => (databaseUrl ? "DATABASE_URL is set" : findPostgresBinaries() && "embedded, from npm"),
    advice: () => "run npm ci again without --ignore-scripts and --omit=optional, or set DATABASE_URL",
  },
  {
    name: "Python",
    purpose: "runs Python tasks as processes (3.9 or newer, with venv)",
    isRequired: false,
    find: () => findPython()?.version,
    advice: () =>
      installAdvice({ "apt-get": "python3 python3-venv", dnf: "python3", apk: "python3 py3-pip", brew: "python" }),
  },
  {
    name: "pyflyte",
    purpose: "registers and runs Python workflows",
    isRequired: false,
    find: () => versionOf("pyflyte", ["--version"]),
    advice: () => "python3 -m venv .venv && . .venv/bin/activate && pip install flytekit",
  },
  {
    name: "docker",
    purpose: "runs tasks as containers (SKEIN_RUNTIME=docker)",
    isRequired: false,
    find: () => versionOf("docker", ["info", "--format", "daemon {{.ServerVersion}}"]),
    advice: () =>
      `${installAdvice({ "apt-get": "docker.io", dnf: "docker", apk: "docker", brew: "--cask docker" })}, then start its daemon`,
  },
  optionalTool("bwrap", ["--version"], "keeps process tasks apart from your files", {
    "apt-get": "bubblewrap",
  }),
  optionalTool("redis-server", ["--version"], "a faster queue (set REDIS_URL) and the Redis tests", {
    "apt-get": "redis-server",
    dnf: "redis",
    apk: "redis",
    brew: "redis",
  }),
  {
    name: "flytectl",
    purpose: "Flyte's command line",
    isRequired: false,
    find: () => versionOf("flytectl", ["version", "--help"]) && "installed",
    advice: () =>
      "https://github.com/flyteorg/flyte/releases (flytectl), or brew install flyteorg/homebrew-tap/flytectl",
  },
];
