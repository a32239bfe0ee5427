/** Signals of one Ctrl-C can arrive twice (from the terminal and from npm); a second Ctrl-C comes later than this. */
const SAME_SIGNAL_MS = 500;

/**
 * Resolves with the first SIGINT, SIGTERM or SIGHUP. From then on another one calls `force`, for a stop that takes
 * longer than its user will wait.
 */
export function stopSignal(force: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stoppedAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stoppedAt === undefined) {
        stoppedAt = Date.now();
        resolve(signal);
      } else if (Date.now() - stoppedAt > SAME_SIGNAL_MS) {
        force();
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  });
}
