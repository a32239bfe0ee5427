import { create } from "@bufbuild/protobuf";
import { type NameId, type ReferenceChild, readChildRefusal } from "@skein/db";
import { childRunName } from "@skein/engine";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import type { ExecutionSpec } from "@skein/idl/admin";
import { LiteralMapSchema, WorkflowExecutionIdentifierSchema } from "@skein/idl/core";
import {
  childSpec,
  type Launch,
  type LaunchOrigin,
  NESTING_MAX,
  nestingOf,
  otherRunName,
  runStarter,
} from "@skein/launch";
import type { Errand, ErrandOutcome, ErrandTools } from "./errand.ts";
import { isSameChild } from "./launch-child-references.ts";
import { childTargets } from "./launch-child-targets.ts";

/** What a child is given by the run around it. */
export interface Parent {
  readonly principal: string;
  readonly spec: ExecutionSpec;
}

/** One child on its way. */
export interface ChildStart {
  readonly errand: Errand;
  readonly parent: Parent;
  readonly inputs: Uint8Array;
  /** The child of the same action of the run that the parent recovers. */
  readonly reference: ReferenceChild | undefined;
}

const NAMES_MAX = 5;
const RACED_RETRY_MS = 1_000;

/** The try of the action that an errand is for. */
export const parentOf = ({ run, ordinal, attempt }: Errand) => ({ runId: run.runId, ordinal, attempt });

/**
 * Starts children one by one. What cannot be started, whatever one tries, is told as a failure of the action; what may be
 * tried again is waited for or thrown.
 */
export function childStarter(tools: ErrandTools): (start: ChildStart) => Promise<ErrandOutcome> {
  const { pool, storage } = tools;
  const startRun = runStarter(pool, storage);
  const findTarget = childTargets(pool);

  /** Starts it under the first name that is free. */
  async function insert(errand: Errand, launch: Omit<Launch, "id">): Promise<ErrandOutcome> {
    const { run, action, attempt } = errand;
    const { project, domain } = run;
    const wanted = childRunName(run.name, action.name, attempt);
    let id: NameId = { project, domain, name: wanted };
    for (let tries = 0; tries < NAMES_MAX; tries++) {
      const outcome = await startRun({ ...launch, id });
      if (outcome.type === "started") return { type: "done" };
      if (outcome.type === "inputsInvalid") return failed(errand, "InputsInvalid", `${outcome.problems}.`);
      if (outcome.type === "poolRefused") return failed(errand, "PoolRefused", `${outcome.problem}.`);
      if (outcome.type === "full") {
        const { launchPlan, runsMax } = outcome.limit;
        const message = `Launch plan ${launchPlan.name} has ${runsMax} unfinished runs, the most that its concurrency policy allows.`;
        return failed(errand, "LaunchLimitReached", message);
      }
      const refusal = await readChildRefusal(pool, parentOf(errand), id);
      // Whoever aborts the action tells it so, and who started the child meanwhile started this one.
      if (refusal === "launched" || refusal === "unwanted") return { type: "done" };
      if (refusal === "projectInactive") return failed(errand, "ProjectInactive", `Project ${project} is archived.`);
      if (refusal === "nameTaken") id = { project, domain, name: otherRunName(wanted) };
    }
    return { type: "waiting", retryAfterMs: RACED_RETRY_MS };
  }

  return async ({ errand, parent, inputs, reference }) => {
    const { run, action } = errand;
    const { target: node } = action.node;
    invariant(node.kind === "launchPlan", `action ${action.name} launches a launch plan`);
    if (nestingOf(parent.spec) >= NESTING_MAX) {
      return failed(errand, "NestingTooDeep", `Runs may start each other ${NESTING_MAX} deep at most.`);
    }
    const target = await findTarget(run, node.id);
    if ("code" in target) return failed(errand, target.code, target.message);
    const given = fromBytes(LiteralMapSchema, inputs);
    const requested = childSpec(parent.spec, node.id, { run, action: action.name });
    const repeated = reference && (await isSameChild(tools, reference, target, given)) ? reference : undefined;
    if (repeated && requested.metadata) {
      const { project, domain, name } = repeated;
      requested.metadata.referenceExecution = create(WorkflowExecutionIdentifierSchema, { project, domain, name });
    }
    const origin = originOf(errand, repeated);
    return insert(errand, { target, requested, given, principal: parent.principal, origin });
  };
}

const originOf = (errand: Errand, repeated: ReferenceChild | undefined): LaunchOrigin => ({
  mode: repeated ? "recovered" : "child_workflow",
  referenceRunId: repeated?.id ?? null,
  parent: parentOf(errand),
});

function failed({ ordinal, attempt, action }: Errand, code: string, why: string): ErrandOutcome {
  const message = `The run of action ${action.name} could not be launched: ${why}`;
  const failure = { code, message, kind: "user", recoverable: false } as const;
  return { type: "told", event: { type: "childEnded", ordinal, attempt, atMs: Date.now(), phase: "failed", failure } };
}
