import { describeConfig } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { openLogger } from "@skein/telemetry";
import { closeInheritedDescriptors } from "./close-inherited.ts";
import { AgentConfig, agentConfigNames, readAgentConfig } from "./config.ts";
import { startAgent } from "./start.ts";

if (process.argv.includes("--help")) {
  process.stdout.write(`${describeConfig(AgentConfig, { names: agentConfigNames })}\n`);
  process.exit(0);
}

closeInheritedDescriptors();
try {
  const config = readAgentConfig(process.env);
  const logger = openLogger({ name: "agent", level: config.logLevel });
  const agent = await startAgent(config, { logger, environment: process.env });
  logger.info({ agentId: agent.agentId, pool: config.pool, runtime: config.runtime }, "The agent has started");
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    logger.info(
      { signal },
      signals === 1 ? "Draining; a second signal leaves running tasks to the next start" : "Ending",
    );
    agent.close(signals === 1 ? {} : { drainSeconds: 0 }).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, "The end was not clean");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
} catch (error) {
  process.stderr.write(`${error instanceof SkeinError ? error.message : String((error as Error).stack)}\n`);
  process.exit(1);
}
