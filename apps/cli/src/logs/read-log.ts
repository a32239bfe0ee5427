import { setTimeout as delay } from "node:timers/promises";
import { watchRun } from "@skein/client";
import { readAll } from "../session/pages.ts";
import type { RunId, Session } from "../session/session.ts";

/** A line of a log, with its break; the last of an attempt may have none. */
export interface LogLine {
  readonly step: string;
  readonly attempt: number;
  readonly text: string;
}

export interface ReadOptions {
  /** This try only; otherwise the last one, and with `follow` those after it. */
  readonly attempt?: number | undefined;
  /** Go on until what is read is over. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

type Server = Pick<Session, "client">;

/** What is followed is asked for again after this long; doubled while nothing comes, up to the second. */
const POLL_MS = { least: 150, most: 1_000 };
/** Logs that are followed at the same time. Others wait for their turn; nothing is lost, because logs are kept. */
const FOLLOWED_MAX = 16;

/** The log of one step. */
export async function* stepLog(
  server: Server,
  run: RunId,
  step: string,
  { attempt, follow, signal }: ReadOptions,
): AsyncGenerator<LogLine> {
  if (attempt !== undefined) {
    yield* attemptLog(server, run, step, attempt, { follow, signal });
    return;
  }
  for (let next = -1; ; ) {
    const { attempts, phase } = await server.client.runs.getAction.query({ ...run, action: step });
    if (next < 0) next = Math.max(0, attempts - 1);
    if (next < attempts) {
      yield* attemptLog(server, run, step, next, { follow, signal });
      next += 1;
      continue;
    }
    if (!follow || isOver(phase)) return;
    await delay(POLL_MS.most, undefined, { signal });
  }
}

/** The logs of all tasks of a run: one after the other, or with `follow` as they come. */
export async function readRunLog(
  server: Server,
  run: RunId,
  options: ReadOptions,
  onLine: (line: LogLine) => void,
): Promise<void> {
  const readStep = async (step: string): Promise<void> => {
    for await (const line of stepLog(server, run, step, options)) onLine(line);
  };
  if (!options.follow) {
    const actions = await readAll((page) => server.client.runs.actions.query({ ...run, ...page }));
    for (const { name } of actions.filter(hasLog)) await readStep(name);
    return;
  }
  const begun = new Map<string, Promise<void>>();
  const inTurn = turns(FOLLOWED_MAX);
  for await (const { actions } of watchRun(server.client, run, { signal: options.signal })) {
    for (const { name } of actions.filter((action) => hasLog(action) && !begun.has(action.name))) {
      const reading = inTurn(() => readStep(name));
      // Its failure is thrown below; until then it must not end the process.
      reading.catch(() => {});
      begun.set(name, reading);
    }
  }
  await Promise.all(begun.values());
}

/** Whether a step has a log of its own. */
export const hasLog = ({ kind, attempts }: { readonly kind: string; readonly attempts: number }): boolean =>
  kind === "task" && attempts > 0;

const isOver = (phase: string): boolean => ["succeeded", "failed", "aborted", "skipped"].includes(phase);

async function* attemptLog(
  { client }: Server,
  run: RunId,
  step: string,
  attempt: number,
  { follow, signal }: Pick<ReadOptions, "follow" | "signal">,
): AsyncGenerator<LogLine> {
  let rest = "";
  let pause = POLL_MS.least;
  for (let offset = 0; ; ) {
    signal.throwIfAborted();
    const page = await client.runs.logs.query({ ...run, action: step, attempt, offset });
    if (page.text === "" && (!follow || page.isComplete)) break;
    offset = page.nextOffset;
    const lines = (rest + page.text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield { step, attempt, text: `${line}\n` };
    pause = page.text === "" ? Math.min(POLL_MS.most, pause * 2) : POLL_MS.least;
    if (page.text === "") await delay(pause, undefined, { signal });
  }
  if (rest !== "") yield { step, attempt, text: rest };
}

/** Does at most `places` pieces of work at once, in the order in which they came. */
function turns(places: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
