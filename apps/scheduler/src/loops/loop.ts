import type { Logger } from "@skein/telemetry";
import type { Health } from "../health.ts";
import type { SchedulerMetrics } from "../metrics.ts";

/** A round of work. True asks for the next one at once, because there was more than one round takes. */
export type Round = () => Promise<boolean>;

export interface Loop {
  /** Asks for a round soon; those asked for during a round become one more. */
  wake(): void;
  /** Waits for the round in progress. */
  close(): Promise<void>;
}

export interface LoopOptions {
  readonly name: string;
  /** The poll behind the wake-ups. */
  readonly everyMs: number;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
  readonly health: Health;
}

const FAILURES_PER_LOG_LINE = 20;

/** Runs rounds one after the other: on wake-up, and every `everyMs`. A round that fails is tried again at the next poll. */
export function startLoop(options: LoopOptions, runOnce: Round): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isWanted = false;
  let isClosed = false;
  let failures = 0;

  const round = async (): Promise<void> => {
    options.health.roundBegan(options.name);
    try {
      isWanted = await runOnce();
      failures = 0;
    } catch (error) {
      options.metrics.loopErrors.inc({ loop: options.name });
      // The database may be away for minutes: one line in a while says so.
      if (failures % FAILURES_PER_LOG_LINE === 0)
        options.logger.error({ loop: options.name, err: error }, "a loop failed");
      failures += 1;
    } finally {
      options.health.roundEnded(options.name);
    }
  };
  const run = (): void => {
    if (isClosed) return;
    if (running) {
      isWanted = true;
      return;
    }
    clearTimeout(timer);
    isWanted = false;
    running = round().finally(() => {
      running = undefined;
      if (isClosed) return;
      if (isWanted) setImmediate(run);
      else timer = setTimeout(run, options.everyMs);
    });
  };
  run();
  return {
    wake: run,
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
