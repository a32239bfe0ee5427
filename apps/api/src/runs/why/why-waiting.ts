import { type ActionWait, AHEAD_MAX, type PoolFill, type ProjectLoad, type TurnWait } from "@skein/db";
import type { RunPhase } from "@skein/engine";

/** All that is known of why an action waits. */
export interface WaitFacts {
  readonly run: string;
  readonly project: string;
  readonly action: ActionWait;
  /** Its turn has come, but as many actions of the run are under way as may be. */
  readonly waitsForPlace: boolean;
  /** How many actions of the run may go side by side; 0 for any number. */
  readonly maxParallelism: number;
  /** Of the pool of its attempt. */
  readonly fill: PoolFill | null;
  /** What its project has in that pool, and may have. */
  readonly load: Pick<ProjectLoad, "underWay" | "runningMax"> | null;
  /** Runs that compute what it looks up in the cache. */
  readonly cacheHolders: readonly string[];
}

/** Why a run does not go on, where the run itself is what waits. */
export function whyRunWaits(phase: RunPhase, turn: TurnWait | undefined): string | null {
  if (turn) {
    const { launchPlan, runsMax, place, total } = turn;
    return `It is number ${place} of ${total} runs that wait for launch plan ${launchPlan}, which may have ${count(runsMax, "unfinished run")}.`;
  }
  if (phase === "queued") return "It was just launched: the scheduler has not begun it yet.";
  if (phase === "failing") return "It has failed, and its steps are being ended.";
  if (phase === "aborting") return "It was aborted, and its steps are being ended.";
  return null;
}

/** One sentence about why an action does not run. */
export function whyActionWaits(facts: WaitFacts): string {
  const { action } = facts;
  if (action.phase === "aborting" || action.phase === "failing") return whyItEnds(action);
  if (action.attemptPhase === "queued") return whyAttemptWaits(facts);
  if (action.timer === "backoff" && action.dueAt) {
    return `Its attempt ${action.attempts} failed; it is tried again at ${action.dueAt.toISOString()}.`;
  }
  if (action.errand) return whyErrandWaits(facts, action.errand);
  if (action.kind === "gate") return whyGateWaits(facts);
  if (action.kind === "launch_plan" && action.childRun) return whyChildWaits(action);
  if (facts.waitsForPlace) {
    return `${count(facts.maxParallelism, "step")} of this run ${facts.maxParallelism === 1 ? "is" : "are"} under way, and no more may be (max_parallelism).`;
  }
  if (action.kind === "array") return "Its items are under way.";
  if (action.phase === "running") return "What it consists of is under way.";
  return "Its turn comes with the scheduler's next step.";
}

const whyItEnds = ({ agentId }: ActionWait): string =>
  agentId === null ? "It is being ended." : `It is being ended: agent ${agentId} was told to stop it.`;

function whyAttemptWaits({ project, action, fill, load }: WaitFacts): string {
  const pool = action.pool ?? "";
  if (action.waitingReason !== null) return action.waitingReason;
  if (action.agentId !== null) return `Agent ${action.agentId} has taken it and prepares its start.`;
  if (load?.runningMax === 0) return `Project ${project} may have nothing under way in pool ${pool}.`;
  if (action.isBacklog && load && load.runningMax !== null && load.underWay >= load.runningMax) {
    return `Project ${project} has ${load.underWay} of ${count(load.runningMax, "attempt")} under way that it may have in pool ${pool}${whatIsAhead(action)}.`;
  }
  if (!fill || fill.agents === 0) return `No agent serves pool ${pool}.`;
  const busy = `${fill.held} of ${fill.slots} slots of pool ${pool} are taken`;
  if (action.isBacklog) return `${busy}, and other orders go first${whatIsAhead(action)}.`;
  return fill.held >= fill.slots
    ? `All ${fill.slots} slots of pool ${pool} are taken.`
    : `It is next for an agent of pool ${pool}: ${busy}.`;
}

function whatIsAhead({ ahead, priority }: ActionWait): string {
  const shown = ahead >= AHEAD_MAX ? `${AHEAD_MAX} or more orders` : count(ahead, "order");
  return `; ${shown} of its project go${ahead === 1 ? "es" : ""} before it at priority ${priority}`;
}

function whyErrandWaits({ action, cacheHolders }: WaitFacts, errand: NonNullable<ActionWait["errand"]>): string {
  switch (errand) {
    case "check_cache":
      return cacheHolders.length === 0
        ? "It is being looked up in the cache."
        : `It waits for run ${cacheHolders.join(" or ")}, which computes the same cached outputs.`;
    case "launch_child":
      return "Its run is being launched.";
    case "abort_child":
      return `Its run ${action.childRun ?? ""} is being aborted.`;
    case "gather_outputs":
      return "The outputs of its items are being put together.";
    default:
      return errand satisfies never;
  }
}

function whyGateWaits({ run, action }: WaitFacts): string {
  const { timer, dueAt, signalId, isApproval } = action;
  if (signalId !== null) {
    const answer = isApproval ? `approval ${signalId}` : `signal ${signalId}`;
    const until = timer === "wake" && dueAt ? `, until ${dueAt.toISOString()} at most` : "";
    return `It waits for ${answer}${until}: give it with "skein signal ${run} ${signalId}".`;
  }
  return dueAt ? `It sleeps until ${dueAt.toISOString()}.` : "It is about to wait.";
}

const whyChildWaits = ({ childRun, childPhase }: ActionWait): string => `Its run ${childRun} is ${childPhase}.`;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
