import { PLAIN_SETTINGS, type RunSettings } from "@skein/db";
import type { ExecutionSpec } from "@skein/idl/admin";
import { hasNotifications } from "./notifications.ts";

/** What rows must know of a run's merged spec, which is bytes to them. */
export const runSettings = (spec: ExecutionSpec): RunSettings => ({
  ...PLAIN_SETTINGS,
  maxParallelism: spec.maxParallelism,
  hasNotifications: hasNotifications(spec),
});
