import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findTool, requireTool } from "@skein/testing";
import { type CommandResult, runCommand } from "./command.ts";
import { type FlytekitVersion, flytekitBin } from "./flytekit-venv.ts";
import { openRemote, type Remote } from "./remote.ts";
import type { RunningSkein } from "./skein.ts";

const WORKFLOWS = fileURLToPath(new URL("../workflows", import.meta.url));

/** Whether the real clients are here. Under `CI=true` a missing one is an error. */
export async function haveClients(flytekit?: FlytekitVersion): Promise<boolean> {
  const flytectl = requireTool("flytectl", "go build . in a module that requires github.com/flyteorg/flyte/flytectl");
  return flytectl !== undefined && (await flytekitBin(flytekit)) !== undefined;
}

/** What JSON can say. A number without a fraction is Python's int. */
export type LaunchInput = number | string | boolean | readonly LaunchInput[];

/** The real clients, told where a server is, with a home folder of their own. */
export interface FlyteClients {
  /** A private copy of `tests/e2e/workflows`, which a test may edit. */
  readonly workflows: string;
  readonly folder: string;
  /** Runs `pyflyte` in the workflows folder. */
  pyflyte(...args: string[]): Promise<CommandResult>;
  /** Registers every file of the workflows folder as version v1, or only the named ones and folders. */
  register(...files: string[]): Promise<void>;
  /** Runs `flytectl -p flytesnacks -d development`; commands on a project refuse those flags and go without. */
  flytectl(...args: string[]): Promise<CommandResult>;
  /** As `flytectl … -o json`, parsed. Throws when it fails. */
  flytectlJson(...args: string[]): Promise<unknown>;
  /** Launches the newest version of a launch plan through FlyteRemote; answers the run's name. */
  launch(plan: string, inputs?: Readonly<Record<string, LaunchInput>>): Promise<string>;
  /** A Python process with a `FlyteRemote` in it, started when first asked for. */
  remote(): Promise<Remote>;
  close(): Promise<void>;
}

/** What clients need to know of an installation. */
type ReachableSkein = Pick<RunningSkein, "folder" | "port" | "tls" | "flytekit" | "s3">;

function clientConfig({ port, tls }: ReachableSkein): string {
  const trust = tls ? `insecure: false\n  caCertFilePath: ${tls.authorityFile}` : "insecure: true";
  return `admin:\n  endpoint: dns:///127.0.0.1:${port}\n  ${trust}\nlogger:\n  level: 1\n`;
}

/** Makes a folder with client configuration beside the installation's own. `variables` are further ones of the clients. */
export async function openFlyteClients(
  skein: ReachableSkein,
  name = "clients",
  variables: Readonly<Record<string, string>> = {},
): Promise<FlyteClients> {
  const folder = join(skein.folder, name);
  const workflows = join(folder, "workflows");
  mkdirSync(folder, { recursive: true });
  cpSync(WORKFLOWS, workflows, { recursive: true, filter: (path) => !path.includes("__pycache__") });
  const config = join(folder, "config.yaml");
  writeFileSync(config, clientConfig(skein));
  const bin = (await flytekitBin(skein.flytekit)) ?? "";
  const { s3 } = skein;
  const env: NodeJS.ProcessEnv = {
    PATH: `${bin}:${process.env.PATH ?? ""}`,
    HOME: folder,
    LANG: "C.UTF-8",
    COLUMNS: "200",
    DO_NOT_TRACK: "1",
    FLYTECTL_CONFIG: config,
    PYTHONDONTWRITEBYTECODE: "1",
    ...(s3 && {
      FLYTE_AWS_ENDPOINT: s3.endpoint,
      FLYTE_AWS_ACCESS_KEY_ID: s3.accessKeyId,
      FLYTE_AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    }),
    ...variables,
  };
  const tenant = ["-p", "flytesnacks", "-d", "development"];
  const flytectl = (...args: string[]) => {
    const flags = args[1] === "project" ? [] : tenant;
    return runCommand(findTool("flytectl") ?? "flytectl", ["--config", config, ...flags, ...args], {
      cwd: folder,
      env,
    });
  };
  let opened: Promise<Remote> | undefined;
  const remote = (): Promise<Remote> => {
    opened ??= openRemote(join(bin, "python"), { cwd: workflows, env });
    return opened;
  };
  const pyflyte = (...args: string[]) => runCommand(join(bin, "pyflyte"), args, { cwd: workflows, env });
  return {
    workflows,
    folder,
    pyflyte,
    register: async (...files) => {
      const chosen = files.length > 0 ? files : readdirSync(workflows).filter((name) => name.endsWith(".py"));
      const { code, output } = await pyflyte("register", ...tenant, "--version", "v1", ...chosen);
      if (code !== 0) throw new Error(`pyflyte register failed:\n${output}`);
    },
    flytectl,
    flytectlJson: async (...args) => {
      const { code, stdout, output } = await flytectl(...args, "-o", "json");
      if (code !== 0) throw new Error(`flytectl ${args.join(" ")} failed:\n${output}`);
      return JSON.parse(stdout);
    },
    launch: async (plan, inputs = {}) => {
      const name = await (await remote()).run(`
        plan = remote.fetch_launch_plan(name=${JSON.stringify(plan)})
        result = remote.execute(plan, inputs=json.loads(${JSON.stringify(JSON.stringify(inputs))})).id.name
      `);
      return String(name);
    },
    remote,
    close: async () => (await opened)?.close(),
  };
}
