import { styleText } from "node:util";
import type { RunUpdate } from "@skein/client";
import { formatMoment, formatSpan } from "../output/moment.ts";
import { paintPhase } from "../output/paint-phase.ts";
import { safeLine } from "../output/safe-text.ts";
import { cut } from "../output/table.ts";
import { type Action, labelOf, treeOf } from "./action-tree.ts";

/** Shows a run while it goes on; `close` leaves its last picture. */
export interface Display {
  update(update: RunUpdate): void;
  close(): void;
}

const REDRAW_MS = 200;
const CLEAR_BELOW = "\u001b[0J";
const up = (lines: number): string => (lines > 0 ? `\u001b[${lines}A\r` : "\r");

interface Terminal {
  readonly rows?: number;
  write(text: string): unknown;
}

/** A tree that is drawn again in place, no higher than the terminal. */
export function liveTree(terminal: Terminal = process.stderr): Display {
  const actions = new Map<number, Action>();
  let run: RunUpdate["run"] | undefined;
  let drawn = 0;
  const draw = (isLast: boolean): void => {
    if (!run) return;
    const head = `${styleText("bold", safeLine(run.name))}  ${paintPhase(run.phase, run.phase)}  ${formatSpan(run)}`;
    const all = [head, ...treeOf(actions.values())];
    const room = Math.max(3, (terminal.rows ?? 24) - 2);
    const lines =
      isLast || all.length <= room ? all : [...all.slice(0, room - 1), `… ${all.length - room + 1} lines more`];
    terminal.write(`${up(drawn)}${CLEAR_BELOW}${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(() => draw(false), REDRAW_MS);
  return {
    update: (update) => {
      run = update.run;
      for (const action of update.actions) actions.set(action.ordinal, action);
    },
    close: () => {
      clearInterval(timer);
      draw(true);
    },
  };
}

/** A line for each change of phase: for logs, pipes and terminals that cannot be drawn on. */
export function changeLines(say: (line: string) => void): Display {
  const phases = new Map<number | string, string>();
  const tell = (key: number | string, phase: string, what: string): void => {
    if (phases.get(key) === phase) return;
    phases.set(key, phase);
    say(`${formatMoment(new Date().toISOString())}  ${safeLine(phase).padEnd(9)}  ${safeLine(cut(what, 200))}`);
  };
  return {
    update: ({ run, actions }) => {
      for (const action of actions) {
        const { ordinal, name, phase, nodeId, error } = action;
        if (nodeId === "start-node" || nodeId === "end-node") continue;
        tell(ordinal, phase, [name, labelOf(action), error?.message.split("\n")[0] ?? ""].filter(Boolean).join("  "));
      }
      tell("run", run.phase, `run ${run.name}`);
    },
    close: () => {},
  };
}
