import { describeConfig } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { openLogger } from "@skein/telemetry";
import { readSchedulerConfig, schedulerSchema } from "./config.ts";
import { startScheduler } from "./start.ts";

if (process.argv.includes("--help")) {
  process.stdout.write(`${describeConfig(schedulerSchema)}\n`);
  process.exit(0);
}

try {
  const config = readSchedulerConfig(process.env);
  const logger = openLogger({ name: "scheduler", level: config.logLevel });
  const scheduler = await startScheduler(config, { logger });
  let isStopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // A second signal means: now.
      if (isStopping) process.exit(1);
      isStopping = true;
      logger.info({ signal }, "stopping");
      scheduler.close().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, "the stop was not clean");
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  process.stderr.write(`${error instanceof SkeinError ? error.message : String((error as Error).stack)}\n`);
  process.exit(1);
}
