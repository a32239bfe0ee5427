import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { serveUntilStopped } from "../commands/dev.ts";
import { readDevConfig } from "../dev/dev-config.ts";
import { nextFreePort } from "../dev/free-port.ts";
import { homePath } from "../dev/home.ts";
import { stopSignal } from "../dev/shutdown.ts";
import { type Dev, startDev } from "../dev/start-dev.ts";
import { findPython } from "../python.ts";
import { launchCommand } from "./command-demo.ts";
import { openFlyteRest, type RunName } from "./flyte-rest.ts";
import { prepareFlytekit } from "./flytekit-venv.ts";
import { followRun } from "./follow-run.ts";
import { launchWithPyflyte } from "./pyflyte-demo.ts";

const TENANT = { project: "flytesnacks", domain: "development" };
const say = (line: string): void => console.log(line);

/** Runs the demo in a home of its own below $SKEIN_HOME, so that it never meets a `skein dev`. */
export async function runDemo(environment: Environment, options: { readonly exit: boolean }): Promise<void> {
  const stopping = stopSignal(() => process.exit(130));
  const base = homePath(environment.SKEIN_HOME);
  mkdirSync(base, { recursive: true, mode: 0o711 });
  const bin = await findFlytekit(base);
  const running = await startOnFreePorts(environment, join(base, "demo"), bin);
  try {
    say(`Skein is ready at ${running.url} (gRPC ${running.grpcAddress})\n`);
    const run = await launch(running, bin);
    await show(running, run);
  } catch (error) {
    await running.close();
    throw error;
  }
  if (options.exit) {
    await running.close();
    return;
  }
  sayWhatNext(running, bin);
  await serveUntilStopped(running, stopping);
}

/** Where pyflyte stands; undefined without a Python, or when pip could not install it. */
async function findFlytekit(base: string): Promise<string | undefined> {
  const python = findPython();
  if (!python) {
    say(
      "There is no Python 3.9 or newer with venv here, so the demo runs a shell command instead of a Python workflow.\n",
    );
    return undefined;
  }
  try {
    return await prepareFlytekit(python, base, say);
  } catch (error) {
    if (!(error instanceof SkeinError)) throw error;
    say(`${error.message}\nSo the demo runs a shell command instead of a Python workflow.\n`);
    return undefined;
  }
}

async function startOnFreePorts(environment: Environment, home: string, bin: string | undefined): Promise<Dev> {
  const asked = readDevConfig(environment);
  const port = await nextFreePort(asked.port, asked.host);
  const grpcPort =
    asked.grpcPort === "off" ? "off" : await nextFreePort(Math.max(asked.grpcPort, port + 1), asked.host);
  if (port !== asked.port) say(`Port ${asked.port} is in use, so Skein takes ${port}.`);
  const taskPath = [bin, environment.SKEIN_TASK_PATH].filter((part) => part !== undefined).join(delimiter);
  const own = taskPath === "" ? environment : { ...environment, SKEIN_TASK_PATH: taskPath };
  return await startDev({ ...asked, home, port, grpcPort }, own);
}

async function launch(running: Dev, bin: string | undefined): Promise<RunName> {
  if (bin === undefined) return await launchCommand(running.url, TENANT, say);
  return await launchWithPyflyte({ bin, folder: running.home, endpoint: running.grpcAddress, tenant: TENANT, say });
}

async function show(running: Dev, run: RunName): Promise<void> {
  const rest = openFlyteRest(running.url);
  say(`\nRun ${run.name}:`);
  await followRun(rest, run, say);
  say("\nOutputs:");
  for (const [name, value] of Object.entries(await rest.outputsOf(run))) say(`  ${name} = ${value}`);
  say(`\n${running.url}/console/projects/${run.project}/domains/${run.domain}/executions/${run.name}`);
}

function sayWhatNext(running: Dev, bin: string | undefined): void {
  const pyflyte = bin === undefined ? "pyflyte" : join(bin, "pyflyte");
  const config = bin === undefined ? "" : `--config ${join(running.home, "flyte.yaml")} `;
  say(`
Skein keeps serving until Ctrl-C. In another terminal, try:
  ${pyflyte} ${config}run --remote examples/hello.py hello --name you
  curl ${running.url}/api/v1/executions/flytesnacks/development?limit=10
Change examples/hello.py and run it again; then read README.md for a server that stays (npm run dev).`);
}
