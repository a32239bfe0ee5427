import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SkeinError } from "@skein/errors";
import type { RunName } from "./follow-run.ts";

/** The bundled workflow that the demo registers. */
const EXAMPLE = fileURLToPath(new URL("../../../../examples/hello.py", import.meta.url));
const LAUNCH_PLAN = "hello.hello";
const NAME = "Skein";

export interface PyflyteDemo {
  /** `bin` of the virtual environment with flytekit. */
  readonly bin: string;
  /** Where the client's configuration goes. */
  readonly folder: string;
  /** `host:port` of the gRPC port. */
  readonly endpoint: string;
  readonly tenant: { readonly project: string; readonly domain: string };
  readonly say: (line: string) => void;
}

/** Registers the bundled workflow with the real `pyflyte` and launches it; answers the run to follow. */
export async function launchWithPyflyte(demo: PyflyteDemo): Promise<RunName> {
  const config = join(demo.folder, "flyte.yaml");
  writeFileSync(config, `admin:\n  endpoint: dns:///${demo.endpoint}\n  insecure: true\n`);
  const { project, domain } = demo.tenant;
  const tenant = ["--project", project, "--domain", domain];
  await pyflyte(demo, config, ["register", ...tenant, "--activate-launchplans", basename(EXAMPLE)]);
  const said = await pyflyte(demo, config, ["run", ...tenant, "remote-launchplan", LAUNCH_PLAN, "--name", NAME]);
  const name = /\/executions\/([a-z0-9-]+)/.exec(said)?.[1];
  if (name === undefined) throw failed("pyflyte run did not say which run it started.", said);
  return { ...demo.tenant, name };
}

/** Runs one pyflyte command, shows it and what it says, and answers what it said. */
async function pyflyte(demo: PyflyteDemo, config: string, args: readonly string[]): Promise<string> {
  demo.say(`$ pyflyte ${args.join(" ")}`);
  const path = `${demo.bin}:${process.execPath.replace(/\/[^/]+$/, "")}:/usr/local/bin:/usr/bin:/bin`;
  const env = { PATH: path, HOME: demo.folder, LANG: "C.UTF-8", DO_NOT_TRACK: "1", FLYTE_SDK_LOGGING_LEVEL: "40" };
  const child = spawn(join(demo.bin, "pyflyte"), ["--config", config, ...args], {
    cwd: dirname(EXAMPLE),
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      said += chunk;
    });
  }
  const [code] = await once(child, "close");
  for (const line of said.trim().split("\n")) if (line.trim()) demo.say(`  ${line}`);
  if (code !== 0) throw failed(`pyflyte ${args[0]} ended with exit code ${code}.`, said);
  return said;
}

const failed = (message: string, said: string): SkeinError =>
  new SkeinError("internal", "pyflyte_failed", `${message} It said:\n${said.trim()}`);
