import { PLAIN_SETTINGS, type RunSettings } from "@skein/db";
import type { ExecutionSpec } from "@skein/idl/admin";
import { limitSettings } from "./limit-settings.ts";
import { hasNotifications } from "./notifications.ts";
import { priorityOf } from "./priority.ts";

/** What rows must know of a run's merged spec, which is bytes to them. */
export const runSettings = (spec: ExecutionSpec): RunSettings => ({
  ...PLAIN_SETTINGS,
  ...limitSettings(spec),
  priority: priorityOf(spec),
  hasNotifications: hasNotifications(spec),
});
