import type { SkeinClient } from "@skein/client";
import type { RunName } from "./follow-run.ts";
import { registerCommand, type Tenant } from "./register-command.ts";

const TASK = "demo.hello";
const COMMAND = [
  "sh",
  "-c",
  'echo "Hello from $(uname -s), process $$"; sleep 1; echo "This task ran as a plain process."',
];

/** Registers a task that is nothing but a shell command, and launches it: what Skein can do without Python. */
export async function launchCommand(
  client: SkeinClient,
  tenant: Tenant,
  say: (line: string) => void,
): Promise<RunName> {
  say(`Registering task ${TASK}: ${COMMAND.join(" ")}`);
  await registerCommand(client, tenant, TASK, COMMAND);
  const { name } = await client.runs.launch.mutate({ ...tenant, task: { name: TASK } });
  return { ...tenant, name };
}

/** What the run's first task wrote. */
export async function readLog(client: SkeinClient, run: RunName): Promise<string> {
  const { items } = await client.runs.actions.query(run);
  const action = items.find(({ kind }) => kind === "task");
  return action ? (await client.runs.logs.query({ ...run, action: action.name })).text : "";
}
