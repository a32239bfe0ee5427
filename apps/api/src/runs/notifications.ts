import type { Notification } from "@skein/idl/admin";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import { checkMailAddress } from "../notifications/mail-address.ts";
import { invalid } from "../registry/identity.ts";

const TERMINAL = new Set([
  WorkflowExecution_Phase.SUCCEEDED,
  WorkflowExecution_Phase.FAILED,
  WorkflowExecution_Phase.ABORTED,
  WorkflowExecution_Phase.TIMED_OUT,
]);

/** Refuses notifications that could never be sent: about a phase that a run passes through, or to nobody. */
export function checkNotifications(field: string, notifications: readonly Notification[]): void {
  for (const [index, notification] of notifications.entries()) {
    const at = `${field}[${index}]`;
    if (notification.phases.length === 0) throw invalid(`${at}.phases`, "is empty: name at least one terminal phase");
    for (const phase of notification.phases) {
      if (!TERMINAL.has(phase)) {
        const shown = WorkflowExecution_Phase[phase] ?? phase;
        throw invalid(`${at}.phases`, `names ${shown}: use SUCCEEDED, FAILED, ABORTED or TIMED_OUT`);
      }
    }
    if (!notification.type.case) throw invalid(`${at}.type`, "is missing: use email, slack or pager_duty");
    if (notification.type.value.recipientsEmail.length === 0) {
      throw invalid(`${at}.recipients_email`, "is empty: name at least one address");
    }
    for (const [to, address] of notification.type.value.recipientsEmail.entries()) {
      checkMailAddress(`${at}.recipients_email[${to}]`, address);
    }
  }
}
