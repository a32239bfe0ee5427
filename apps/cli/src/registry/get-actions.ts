import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { labelOf } from "../follow/action-tree.ts";
import { formatMoment, formatSpan } from "../output/moment.ts";
import { paintPhase } from "../output/paint-phase.ts";
import { fieldsOf, type View } from "../output/print.ts";
import { textOfError } from "../runs/run-view.ts";
import { readAll } from "../session/pages.ts";
import {
  inTenant,
  openSession,
  type RunId,
  type Session,
  type SessionOptions,
  withExamples,
} from "../session/session.ts";

type Action = SkeinOutputs["runs"]["actions"]["items"][number];
type Attempt = SkeinOutputs["runs"]["attempts"]["items"][number];

const view: View<Action> = {
  columns: [
    { title: "STEP", text: (action) => action.name, widthMax: 48 },
    { title: "DOES", text: labelOf, widthMax: 48 },
    { title: "PHASE", text: (action) => action.phase, paint: (cell, action) => paintPhase(cell, action.phase) },
    { title: "TRIES", text: (action) => String(action.attempts) },
    { title: "STARTED", text: (action) => formatMoment(action.startedAt) },
    { title: "TOOK", text: (action) => formatSpan(action) },
    { title: "ERROR", text: (action) => action.error?.message.trim().split("\n")[0] ?? "", widthMax: 60 },
  ],
  nameOf: (action) => action.name,
  empty: "No steps yet.",
};

/** `skein get action`: the steps of a run, or one of them with its tries and values. */
export const getActions = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("action"))
      .alias("actions")
      .description("List the steps of a run, or show one with its tries and values")
      .argument("<run>", "name of the run, or project/domain/name")
      .argument("[step]", "name of the step")
      .option("--under <step>", "only steps right below this one"),
    "skein get actions f3a9",
    "skein get action f3a9 n0 -o yaml",
  ).action(async (name: string, step: string | undefined, options: SessionOptions & { readonly under?: string }) => {
    const session = openSession(environment, options);
    const run = session.runId(name);
    if (step !== undefined) return show(session, run, step);
    const parent = options.under === undefined ? {} : { parent: options.under };
    const actions = await readAll((page) => session.client.runs.actions.query({ ...run, ...parent, ...page }));
    session.print.list(actions, view);
  });

async function show({ client, print }: Session, run: RunId, step: string): Promise<void> {
  const id = { ...run, action: step };
  const [action, attempts, values] = await Promise.all([
    client.runs.getAction.query(id),
    readAll((page) => client.runs.attempts.query({ ...id, ...page })),
    client.runs.actionData.query(id),
  ]);
  print.one({ ...action, ...values, tries: attempts }, (one) => one.name, textOfAction);
}

const textOfAction = (
  action: Action &
    Pick<SkeinOutputs["runs"]["actionData"], "inputs" | "outputs"> & { readonly tries: readonly Attempt[] },
): string =>
  fieldsOf([
    ["Step", action.name],
    ["Does", labelOf(action)],
    ["Phase", action.phase],
    ["Started", formatMoment(action.startedAt)],
    ["Ended", formatMoment(action.endedAt)],
    ["Took", formatSpan(action)],
    ["Cache", action.cacheStatus === "disabled" ? "" : action.cacheStatus],
    ["Inputs", Object.keys(action.inputs).length > 0 ? JSON.stringify(action.inputs) : ""],
    ["Outputs", Object.keys(action.outputs).length > 0 ? JSON.stringify(action.outputs) : ""],
    ["Tries", action.tries.map(textOfAttempt).join("\n")],
    ["Error", action.error && textOfError(action.error)],
  ]);

const textOfAttempt = (attempt: Attempt): string =>
  [
    String(attempt.attempt),
    attempt.phase,
    attempt.agent === null ? "" : `on ${attempt.agent}`,
    formatSpan(attempt),
    attempt.error?.message.split("\n")[0] ?? "",
  ]
    .filter((part) => part !== "" && part !== "-")
    .join("  ");
