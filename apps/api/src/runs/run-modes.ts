import type { RunMode } from "@skein/db";
import { ExecutionMetadata_ExecutionMode as Mode } from "@skein/idl/admin";

/** How a run came to be, in the words of rows and of Flyte's messages. */
const MODES: Readonly<Record<RunMode, Mode>> = {
  manual: Mode.MANUAL,
  scheduled: Mode.SCHEDULED,
  system: Mode.SYSTEM,
  relaunch: Mode.RELAUNCH,
  child_workflow: Mode.CHILD_WORKFLOW,
  recovered: Mode.RECOVERED,
  trigger: Mode.TRIGGER,
};

export const toMode = (mode: RunMode): Mode => MODES[mode];
export const RUN_MODE_NAMES = Object.keys(MODES) as RunMode[];
