import { fromBinary } from "@bufbuild/protobuf";
import type { EndedRun, NewDelivery, NotificationRule } from "@skein/db";
import { ExecutionSpecSchema, type Notification } from "@skein/idl/admin";
import { WorkflowExecution_Phase as Phase } from "@skein/idl/core";
import { toRunEnded } from "./run-ended.ts";

/** What a run that ran into a time limit fails of: Flyte tells that apart as a phase of its own. */
const TIMEOUT_CODE = "TimeoutExpired";

function flytePhases({ phase, errorCode }: EndedRun): readonly Phase[] {
  if (phase === "succeeded") return [Phase.SUCCEEDED];
  if (phase !== "failed") return [Phase.ABORTED];
  return errorCode?.includes(TIMEOUT_CODE) ? [Phase.FAILED, Phase.TIMED_OUT] : [Phase.FAILED];
}

/** Notifications of the run's own, or of its launch plan, whichever its spec took at launch. */
function ownNotifications({ hasNotifications, spec }: EndedRun): readonly Notification[] {
  if (!hasNotifications) return [];
  const { notificationOverrides: overrides } = fromBinary(ExecutionSpecSchema, spec);
  return overrides.case === "notifications" ? overrides.value.notifications : [];
}

function isAbout(rule: NotificationRule, run: EndedRun): boolean {
  const graph = run.task?.name ?? run.workflow.name;
  return (
    rule.org === run.org &&
    rule.project === run.project &&
    (rule.domain === "" || rule.domain === run.domain) &&
    (rule.launchPlan === "" || rule.launchPlan === run.launchPlan?.name) &&
    (rule.workflow === "" || rule.workflow === graph) &&
    rule.phases.includes(run.phase)
  );
}

/** What a run's end asks for: by its spec, where Slack and PagerDuty are mail addresses too, and by rules of its project. */
export function askedDeliveries(
  run: EndedRun,
  rules: readonly NotificationRule[],
  publicUrl: string | undefined,
): NewDelivery[] {
  const { org, project, domain, id: runId, name: runName } = run;
  const about = { org, project, domain, runId, runName, message: toRunEnded(run, publicUrl) };
  const phases = flytePhases(run);
  const own = ownNotifications(run).flatMap(({ phases: wanted, type }, index) => {
    const isWanted = type.value && wanted.some((phase) => phases.includes(phase));
    if (!isWanted) return [];
    const addresses = [...new Set(type.value.recipientsEmail)];
    return [{ ...about, source: `spec:${index}`, ruleId: null, kind: "email" as const, addresses }];
  });
  const ruled = rules
    .filter((rule) => isAbout(rule, run))
    .map(({ id: ruleId, kind }) => ({ ...about, source: `rule:${ruleId}`, ruleId, kind, addresses: [] }));
  return [...own, ...ruled];
}
