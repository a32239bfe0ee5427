import type { SkeinOutputs } from "@skein/client";
import { formatMoment, formatSpan } from "../output/moment.ts";
import { paintPhase } from "../output/paint-phase.ts";
import { type Field, fieldsOf, type View } from "../output/print.ts";
import type { RunId, Session } from "../session/session.ts";

export type Run = Omit<SkeinOutputs["runs"]["get"], "reference" | "spec">;
type Values = SkeinOutputs["runs"]["data"];

/** A run with its values and where people look at it. */
export type RunDetail = SkeinOutputs["runs"]["get"] & Values & { readonly url: string };

type Listed = Pick<Run, "name" | "phase" | "principal" | "createdAt" | "startedAt" | "durationSeconds"> & {
  readonly workflow: { readonly name: string; readonly version: string };
};

export const runView: View<Listed> = {
  columns: [
    { title: "NAME", text: (run) => run.name, widthMax: 63 },
    { title: "PHASE", text: (run) => run.phase, paint: (cell, run) => paintPhase(cell, run.phase) },
    { title: "WORKFLOW", text: (run) => workflowName(run), widthMax: 48 },
    { title: "VERSION", text: (run) => run.workflow.version, widthMax: 24 },
    { title: "BY", text: (run) => run.principal, widthMax: 24 },
    { title: "CREATED", text: (run) => formatMoment(run.createdAt) },
    { title: "TOOK", text: (run) => formatSpan(run) },
  ],
  nameOf: (run) => run.name,
  empty: "No runs.",
};

const HIDDEN = /^\.flytegen\./;

/** Runs of a single task have a workflow that the server made for them. */
const workflowName = ({ workflow }: Pick<Listed, "workflow">): string => workflow.name.replace(HIDDEN, "");

/** All that is known of a run: itself, its values, and its address. */
export async function readRun({ client, consoleUrl }: Session, id: RunId): Promise<RunDetail> {
  const [run, values] = await Promise.all([client.runs.get.query(id), client.runs.data.query(id)]);
  return { ...run, ...values, url: consoleUrl(id) };
}

/** A run for people. */
export function textOfRun(run: RunDetail): string {
  const { reference, parent, abort, error, labels, tags } = run;
  const fields: Field[] = [
    ["Run", run.name],
    ["Console", run.url],
    ["Phase", run.state === "archived" ? `${run.phase} (archived)` : run.phase],
    ["Workflow", `${workflowName(run)} ${run.workflow.version}`],
    ["In", `${run.project} / ${run.domain}`],
    ["By", run.principal],
    ["Created", formatMoment(run.createdAt)],
    ["Started", formatMoment(run.startedAt)],
    ["Ended", formatMoment(run.endedAt)],
    ["Took", formatSpan(run)],
    ["Repeats", reference?.name],
    ["Started by", parent && `${parent.name}, step ${parent.action}`],
    ["Tags", tags.join(", ")],
    [
      "Labels",
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(", "),
    ],
    ["Inputs", textOfValues(run.inputs, run.large.inputs)],
    ["Outputs", textOfValues(run.outputs, run.large.outputs)],
    ["Stopped", abort && `by ${abort.principal || "somebody"}: ${abort.cause || "no reason given"}`],
    ["Error", error && textOfError(error)],
  ];
  return fieldsOf(fields);
}

const textOfValues = (values: Readonly<Record<string, unknown>>, large: Values["large"]["inputs"]): string =>
  large === null
    ? Object.entries(values)
        .map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)
        .join("\n")
    : `${large.sizeBytes} bytes: ${large.signedUrl}`;

/** The code and the message; a message often begins with the code. */
export const textOfError = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  message.includes(code) ? message : `${code}: ${message}`;
