import { create } from "@bufbuild/protobuf";
import { NotificationSchema } from "@skein/idl/admin";
import { WorkflowExecution_Phase as Phase } from "@skein/idl/core";
import { expect, test } from "vitest";
import { checkNotifications } from "./notifications.ts";

const to = (recipientsEmail: string[], phases = [Phase.FAILED]) =>
  create(NotificationSchema, { phases, type: { case: "pagerDuty", value: { recipientsEmail } } });
const check = (notification: ReturnType<typeof to>) => () => checkNotifications("spec.notifications", [notification]);

test.each(["ann@example.com", "a.b+c@sub.example.co", "ops@localhost", "jürgen@exämple.de"])("%s is taken", (address) =>
  expect(check(to([address]))).not.toThrow(),
);

test.each([
  ...["", "ann", "ann@", "@example.com", "a@b@c", "a b@example.com", "a@example.com,b@example.com"],
  ...[
    "a@example.com\r\nBcc: b@example.com",
    "Ann <ann@example.com>",
    "a@example.com\u0000",
    `${"x".repeat(250)}@y.example`,
  ],
])("%j is refused by its field", (address) =>
  expect(check(to(["ann@example.com", address]))).toThrow("spec.notifications[0].recipients_email[1] is"),
);

test("a phase that a run passes through, no phase, no kind and no address are refused", () => {
  expect(check(to(["a@b.example"], [Phase.RUNNING]))).toThrow("spec.notifications[0].phases names RUNNING");
  expect(check(to(["a@b.example"], []))).toThrow("spec.notifications[0].phases is empty");
  expect(check(to([]))).toThrow("spec.notifications[0].recipients_email is empty");
  expect(check(create(NotificationSchema, { phases: [Phase.FAILED] }))).toThrow(
    "spec.notifications[0].type is missing",
  );
});
