import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { type Plain, readDocument } from "../input/read-inputs.ts";
import { invalid } from "../input/read-time.ts";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { readAll } from "../session/pages.ts";
import {
  inTenant,
  openSession,
  type RunId,
  type Session,
  type SessionOptions,
  withExamples,
} from "../session/session.ts";

type Gate = SkeinOutputs["signals"]["list"]["items"][number];

interface SignalOptions extends SessionOptions {
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly value?: string;
  readonly action?: string;
  readonly all?: boolean;
}

const view: View<Gate> = {
  columns: [
    { title: "SIGNAL", text: (gate) => gate.signal },
    { title: "STEP", text: (gate) => gate.action },
    { title: "STATE", text: (gate) => gate.state },
    { title: "ASKS FOR", text: (gate) => (gate.isApproval ? "approval" : gate.type) },
    { title: "SINCE", text: (gate) => formatMoment(gate.createdAt) },
    { title: "ANSWER", text: (gate) => (gate.value === null ? "" : JSON.stringify(gate.value)), widthMax: 40 },
    { title: "BY", text: (gate) => gate.setBy ?? "" },
  ],
  nameOf: (gate) => gate.signal,
  empty: "Nothing waits for an answer.",
};

/** `skein signal`: what a run waits for, and the answers. */
export const signal = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("signal"))
      .description("List what a run waits for, or answer it")
      .argument("<run>", "name of the run, or project/domain/name")
      .argument("[signal]", "what to answer")
      .option("--approve", "let it go on")
      .option("--reject", "end it there")
      .option("--value <value>", "the value that is asked for; numbers, lists and objects as JSON")
      .option("--action <step>", "answer only this step, where several wait for the same")
      .option("--all", "list also what has its answer"),
    "skein signal f3a9                        # what waits",
    "skein signal f3a9 publish --approve",
    "skein signal f3a9 threshold --value 0.5",
  ).action(async (run: string, id: string | undefined, options: SignalOptions) => {
    const session = openSession(environment, options);
    if (id === undefined) return list(session, session.runId(run), options);
    await answer(session, session.runId(run), id, options);
    session.print.note(`${safeLine(id)} of run ${safeLine(run)} has its answer.`);
  });

const gatesOf = ({ client }: Session, run: RunId): Promise<Gate[]> =>
  readAll((page) => client.signals.list.query({ ...run, ...page }));

async function list(session: Session, run: RunId, { all, approve, reject, value }: SignalOptions): Promise<void> {
  if (approve || reject || value !== undefined) throw invalid("[signal]", "name what is answered");
  const gates = await gatesOf(session, run);
  session.print.list(all ? gates : gates.filter(({ state }) => state === "waiting"), view);
}

async function answer(session: Session, run: RunId, id: string, options: SignalOptions): Promise<void> {
  const given = [
    options.approve && "--approve",
    options.reject && "--reject",
    options.value !== undefined && "--value",
  ];
  if (given.filter(Boolean).length !== 1) throw invalid("answer", "give one of --approve, --reject and --value");
  const { action } = options;
  const gate = (await gatesOf(session, run)).find((one) => one.signal === id && (!action || one.action === action));
  if (gate && gate.isApproval !== (options.value === undefined)) {
    const wanted = gate.isApproval ? "an approval: --approve or --reject" : `a value of type ${gate.type}: --value`;
    throw new SkeinError("invalid_argument", "wrong_answer", `Signal ${id} asks for ${wanted}.`);
  }
  const value = options.value === undefined ? options.approve === true : readValue(options.value, gate?.type);
  await session.client.signals.set.mutate({ ...run, signal: id, value, ...(action === undefined ? {} : { action }) });
}

/** Text is taken as it is where text is asked for, and whole numbers keep all their digits. */
function readValue(text: string, type: string | undefined): Plain {
  if (type !== undefined && /^(str$|int$|datetime$|timedelta$|enum\(|file|directory)/.test(type)) return text;
  return readDocument(text, "--value");
}
