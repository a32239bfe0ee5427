import { styleText } from "node:util";

const STYLES: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  succeeded: "green",
  running: "cyan",
  failing: "red",
  failed: "red",
  aborting: "yellow",
  aborted: "yellow",
  queued: "gray",
  skipped: "gray",
};

/** A phase in its colour; plain where output is no terminal or NO_COLOR is set. */
export const paintPhase = (text: string, phase: string): string => styleText(STYLES[phase] ?? "reset", text);
