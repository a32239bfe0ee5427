import type { RunEnded } from "@skein/contracts";

const SUBJECT_LENGTH = 200;

/** One line, whatever names and codes hold. */
const oneLine = (text: string): string => text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();

const graphOf = ({ launchPlan, workflow, task }: RunEnded): string => (launchPlan ?? task ?? workflow)?.name ?? "";

/** Seconds in the words of people: `2 h 3 min`, `4 min 5 s`, `1.2 s`. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

export function mailSubject(message: RunEnded): string {
  const { project, domain, name, phase } = message.run;
  return oneLine(`[${project}/${domain}] ${graphOf(message)}: run ${name} ${phase}`).slice(0, SUBJECT_LENGTH);
}

/** The whole message as text. */
export function plainText(message: RunEnded): string {
  const { run, error, abort } = message;
  const what = message.task ? "task" : message.launchPlan ? "launch plan" : "workflow";
  const version = (message.launchPlan ?? message.task ?? message.workflow)?.version ?? "";
  const lines = [
    `Run ${run.name} ${verbOf(run.phase)}.`,
    "",
    `Project:   ${run.project}, ${run.domain}`,
    `Ran:       ${what} ${oneLine(graphOf(message))}, version ${oneLine(version)}`,
    `Started:   ${run.startedAt ?? "never"}, by ${oneLine(run.principal)} (${run.mode})`,
    `Ended:     ${run.endedAt}`,
    ...(run.durationSeconds === null ? [] : [`Took:      ${durationText(run.durationSeconds)}`]),
    ...(run.url === null ? [] : [`Look:      ${run.url}`]),
    ...(error ? ["", `Error ${oneLine(error.code)} (${error.kind}):`, error.message] : []),
    ...(abort ? ["", `Aborted by ${oneLine(abort.principal)}: ${abort.cause}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

const verbOf = (phase: RunEnded["run"]["phase"]): string => (phase === "aborted" ? "was aborted" : phase);

const SYMBOLS = { succeeded: ":white_check_mark:", failed: ":x:", aborted: ":no_entry_sign:" } as const;
const slackEscaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The body for Slack's incoming webhooks. What comes from people is escaped, so that it cannot call `@channel`. */
export function slackBody(message: RunEnded): string {
  const { run, error, abort } = message;
  const name = slackEscaped(run.name);
  const link = run.url === null ? name : `<${run.url}|${name}>`;
  const where = slackEscaped(oneLine(`${run.project}/${run.domain} ${graphOf(message)}`));
  const took = run.durationSeconds === null ? "" : ` after ${durationText(run.durationSeconds)}`;
  const why = error ? `${error.code}: ${error.message}` : abort ? abort.cause : "";
  const block = why === "" ? "" : `\n\`\`\`${slackEscaped(why).replaceAll("```", "'''")}\`\`\``;
  return JSON.stringify({ text: `${SYMBOLS[run.phase]} ${where}: run ${link} ${verbOf(run.phase)}${took}${block}` });
}
