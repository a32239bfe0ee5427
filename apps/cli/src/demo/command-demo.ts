import { openFlyteRest, type RunName } from "./flyte-rest.ts";

const TASK = "demo.hello";
const COMMAND = [
  "sh",
  "-c",
  'echo "Hello from $(uname -s), process $$"; sleep 1; echo "This task ran as a plain process."',
];

/** Registers a task that is nothing but a shell command, and launches it: what Skein can do without Python. */
export async function launchCommand(
  url: string,
  tenant: Omit<RunName, "name">,
  say: (line: string) => void,
): Promise<RunName> {
  const rest = openFlyteRest(url);
  say(`Registering task ${TASK}: ${COMMAND.join(" ")}`);
  await rest.createCommandTask({ run: tenant, name: TASK, command: COMMAND });
  return await rest.launchTask(tenant, TASK);
}
