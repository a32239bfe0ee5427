/** Resolves when the process is told to end. */
export const toldToEnd = new Promise<void>((resolve) => {
  process.on("SIGTERM", () => resolve());
  process.on("SIGINT", () => resolve());
});
