import { create } from "@bufbuild/protobuf";
import { type ExecutionSpec, type LaunchPlanSpec, NotificationListSchema } from "@skein/idl/admin";

type Overrides = ExecutionSpec["notificationOverrides"];

/** Clients send an empty list where nobody said anything. */
const isSilent = ({ case: kind, value }: Overrides): boolean =>
  kind === "notifications" ? value.notifications.length === 0 : value !== true;

/** Who hears of a run's end: whom the request names, nobody if it says so, else whom the launch plan names. */
export function mergedNotifications(requested: Overrides, launchPlan: LaunchPlanSpec): Overrides {
  const notifications = launchPlan.entityMetadata?.notifications ?? [];
  if (!isSilent(requested) || notifications.length === 0) return requested;
  return { case: "notifications", value: create(NotificationListSchema, { notifications }) };
}

/** Whether a merged spec names anybody. */
export const hasNotifications = ({ notificationOverrides: { case: kind, value } }: ExecutionSpec): boolean =>
  kind === "notifications" && value.notifications.length > 0;
