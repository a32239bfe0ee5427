import { create } from "@bufbuild/protobuf";
import { ExecutionSpecSchema, LaunchPlanSpecSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { hasNotifications, mergedNotifications } from "./notifications.ts";

const mail = (address: string) => ({
  phases: [4],
  type: { case: "email" as const, value: { recipientsEmail: [address] } },
});
const plan = create(LaunchPlanSpecSchema, { entityMetadata: { notifications: [mail("plan@example.com")] } });
const bare = create(LaunchPlanSpecSchema);
const specWith = (overrides: Parameters<typeof create<typeof ExecutionSpecSchema>>[1]) =>
  create(ExecutionSpecSchema, overrides);

const listOf = (addresses: readonly string[]) =>
  specWith({
    notificationOverrides: { case: "notifications", value: { notifications: addresses.map(mail) } },
  });
const disable = (value: boolean) => specWith({ notificationOverrides: { case: "disableAll", value } });

test.each([
  { said: "nothing", spec: specWith({}), heard: ["plan@example.com"] },
  { said: "an empty list, as flytekit does", spec: listOf([]), heard: ["plan@example.com"] },
  { said: "not to disable them", spec: disable(false), heard: ["plan@example.com"] },
  { said: "whom to tell", spec: listOf(["own@example.com"]), heard: ["own@example.com"] },
  { said: "to disable them", spec: disable(true), heard: [] },
])("who said $said", ({ spec, heard }) => {
  const merged = { ...spec, notificationOverrides: mergedNotifications(spec.notificationOverrides, plan) };
  const { notificationOverrides: overrides } = merged;
  const told = overrides.case === "notifications" ? overrides.value.notifications : [];
  expect(told.flatMap(({ type }) => type.value?.recipientsEmail)).toEqual(heard);
  expect(hasNotifications(merged)).toBe(heard.length > 0);
});

test("a launch plan that names nobody changes nothing", () => {
  for (const spec of [specWith({}), listOf([]), disable(true)]) {
    expect(mergedNotifications(spec.notificationOverrides, bare)).toEqual(spec.notificationOverrides);
    expect(hasNotifications(spec)).toBe(false);
  }
});
