import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createSkeinClient, type SkeinClient } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { serveUntilStopped } from "../commands/dev.ts";
import { readDevConfig } from "../dev/dev-config.ts";
import { nextFreePort } from "../dev/free-port.ts";
import { homePath } from "../dev/home.ts";
import { stopSignal } from "../dev/shutdown.ts";
import { type Dev, startDev } from "../dev/start-dev.ts";
import { findPython } from "../python.ts";
import { launchCommand, readLog } from "./command-demo.ts";
import { prepareFlytekit } from "./flytekit-venv.ts";
import { followRun, type RunName } from "./follow-run.ts";
import { launchWithPyflyte } from "./pyflyte-demo.ts";

const TENANT = { project: "flytesnacks", domain: "development" };
const say = (line: string): void => console.log(line);

/** Runs the demo in a home of its own below $SKEIN_HOME, so that it never meets a `skein dev`. */
export async function runDemo(environment: Environment, options: { readonly exit: boolean }): Promise<void> {
  const stopping = stopSignal(() => process.exit(130));
  const stopped = stopping.then(() => Promise.reject(new SkeinError("canceled", "demo_stopped", "Stopped.")));
  // Nobody waits for it while Skein starts and while it serves.
  stopped.catch(() => {});
  const base = homePath(environment.SKEIN_HOME);
  mkdirSync(base, { recursive: true, mode: 0o711 });
  const bin = await Promise.race([findFlytekit(base), stopped]);
  const running = await startOnFreePorts(environment, join(base, "demo"), bin);
  try {
    say(`Skein is ready at ${running.url} (gRPC ${running.grpcAddress})\n`);
    await Promise.race([runExample(running, bin), stopped]);
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

async function runExample(running: Dev, bin: string | undefined): Promise<void> {
  const client = createSkeinClient({ url: running.url });
  await show(running, client, await launch(running, client, bin));
}

async function launch(running: Dev, client: SkeinClient, bin: string | undefined): Promise<RunName> {
  if (bin === undefined) return await launchCommand(client, TENANT, say);
  return await launchWithPyflyte({ bin, folder: running.home, endpoint: running.grpcAddress, tenant: TENANT, say });
}

async function show(running: Dev, client: SkeinClient, run: RunName): Promise<void> {
  say(`\nRun ${run.name}:`);
  await followRun(client, run, say);
  const outputs = Object.entries((await client.runs.data.query(run)).outputs);
  say(outputs.length > 0 ? "\nOutputs:" : "\nLog:");
  for (const [name, value] of outputs) say(`  ${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`);
  if (outputs.length === 0) say((await readLog(client, run)).trimEnd().replace(/^/gm, "  "));
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
