import { describeConfig, type Environment } from "@skein/config";
import { Command } from "commander";
import { DevConfig, readDevConfig } from "../dev/dev-config.ts";
import { stopSignal } from "../dev/shutdown.ts";
import type { Dev } from "../dev/start-dev.ts";

/** `skein dev`: everything in one process until Ctrl-C. */
export const dev = (environment: Environment): Command =>
  new Command("dev")
    .description("Run Skein on this machine: api, scheduler, queue, Postgres and one agent")
    .option("--port <number>", "the port for browsers, REST, tRPC and gRPC (SKEIN_PORT, default 8088)")
    .addHelpText("after", `\nEnvironment (api, scheduler and agent read theirs as well):\n${describeConfig(DevConfig)}`)
    .action(async ({ port }: { port?: string }) => {
      const given = port === undefined ? environment : { ...environment, SKEIN_PORT: port };
      const stopping = stopSignal(() => process.exit(130));
      const startedAt = Date.now();
      // Loaded only here: help and doctor then work at once, and where a part of the server does not load.
      const { startDev } = await import("../dev/start-dev.ts");
      const running = await startDev(readDevConfig(given), given);
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      console.log(
        `Skein is ready at ${running.url} (gRPC ${running.grpcAddress}, data in ${running.storage}) after ${seconds} s. Ctrl-C stops it.`,
      );
      await serveUntilStopped(running, stopping);
    });

/** Waits for the signal or a failure, then stops everything; the exit code says which it was. */
export async function serveUntilStopped(running: Dev, stopping: Promise<NodeJS.Signals>): Promise<void> {
  const failure = await Promise.race([running.failed, stopping.then(() => undefined)]);
  if (failure !== undefined) console.error(failure);
  await running.close();
  process.exit(failure === undefined ? 0 : 1);
}
