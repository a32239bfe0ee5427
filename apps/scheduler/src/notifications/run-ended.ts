import type { RunEnded } from "@skein/contracts";
import type { EndedRun } from "@skein/db";

const ERROR_LINES = 10;
const ERROR_LENGTH = 2_000;

/** The first lines, because a traceback may have thousands. */
export function firstLines(text: string): string {
  const lines = text.split("\n", ERROR_LINES + 1);
  const kept = lines.slice(0, ERROR_LINES).join("\n").slice(0, ERROR_LENGTH);
  return kept.length < text.length ? `${kept.trimEnd()}\n…` : kept;
}

const pageOf = (publicUrl: string, { project, domain, name }: EndedRun): string => {
  const [p, d, n] = [project, domain, name].map(encodeURIComponent);
  return `${publicUrl.replace(/\/+$/, "")}/console/projects/${p}/domains/${d}/executions/${n}`;
};

/** What is told of a run that is over. */
export function toRunEnded(run: EndedRun, publicUrl: string | undefined): RunEnded {
  const { project, domain, name, mode, principal, startedAt, createdAt, duration } = run;
  const endedAt = run.endedAt ?? run.updatedAt;
  const phase = run.phase === "succeeded" || run.phase === "failed" ? run.phase : "aborted";
  const isTask = run.task !== null;
  return {
    type: "run.ended",
    version: 1,
    run: {
      ...{ project, domain, name, phase, mode, principal },
      createdAt: createdAt.toISOString(),
      startedAt: startedAt?.toISOString() ?? null,
      endedAt: endedAt.toISOString(),
      durationSeconds: duration,
      url: publicUrl === undefined ? null : pageOf(publicUrl, run),
    },
    launchPlan: run.launchPlan,
    workflow: isTask ? null : run.workflow,
    task: run.task,
    error:
      phase === "failed"
        ? {
            code: run.errorCode ?? "Unknown",
            kind: run.errorKind ?? "system",
            message: firstLines(run.errorMessage ?? ""),
          }
        : null,
    abort:
      phase === "aborted" ? { cause: firstLines(run.abortCause ?? ""), principal: run.abortPrincipal ?? "" } : null,
  };
}
