import { create, toBinary } from "@bufbuild/protobuf";
import { RunEnded, TARGET_PURPOSE, targetPlace } from "@skein/contracts";
import { type NewNotificationRule, recordDelivered, setNotificationRule, takeDueDeliveries } from "@skein/db";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import { serverKey } from "@skein/secrets";
import { openLogger } from "@skein/telemetry";
import {
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type MailSink,
  startMailSink,
  startWebhookSink,
  type TestDatabase,
  type WebhookSink,
  waitFor,
} from "@skein/testing";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NotificationsOptions, openNotifications } from "./open-notifications.ts";

const SECRET_KEY = "a secret key for tests that is long enough";
const SIGNING_SECRET = `whsec_${Buffer.from("thirty-two bytes of signing key!").toString("base64")}`;
const TENANT = { org: "", project: "flytesnacks", domain: "development" };
const logger = openLogger({ name: "test", level: "silent" });

let database: TestDatabase;
let mail: MailSink;
let webhook: WebhookSink;
let workflowId: number;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  [database, mail, webhook] = await Promise.all([createTestDatabase(), startMailSink(), startWebhookSink()]);
  await insertProject(database.pool);
  workflowId = await insertWorkflow(database.pool, { name: "my.workflow" });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await Promise.all([mail.close(), webhook.close(), database.close()]);
});

async function open(config: Partial<NotificationsOptions["config"]> = {}, more: Partial<NotificationsOptions> = {}) {
  const notifications = await openNotifications({
    config: {
      secretKey: SECRET_KEY,
      publicUrl: "https://skein.example.com/",
      smtpUrl: mail.url,
      smtpFrom: "Skein <skein@example.com>",
      webhookAllowedHosts: ["127.0.0.1"],
      ...config,
    },
    db: database.db,
    pool: database.pool,
    logger,
    metrics: { deliveries: { inc: () => undefined } as unknown as NotificationsOptions["metrics"]["deliveries"] },
    onFree: () => undefined,
    firstRetryMs: 1,
    graceMs: 10,
    ...more,
  });
  closers.push(notifications.close);
  return notifications;
}

const specFor = (...addresses: string[]): Uint8Array => {
  const type = { case: "email" as const, value: { recipientsEmail: addresses } };
  const value = { notifications: [{ phases: [WorkflowExecution_Phase.FAILED], type }] };
  return toBinary(
    ExecutionSpecSchema,
    create(ExecutionSpecSchema, { notificationOverrides: { case: "notifications", value } }),
  );
};

/** A run that failed, as a scheduler's commit leaves it. */
async function failRun(columns: Parameters<typeof insertRun>[2] = {}): Promise<string> {
  const ended = { phase: "failed", error_code: "USER:E", error_message: "it broke", error_kind: "user" };
  const times = { started_at: new Date(1_000), ended_at: new Date(3_500) };
  const runId = await insertRun(database.pool, workflowId, { ...ended, ...times, ...columns });
  await insertRow(database.pool, "run_endings", { run_id: runId });
  return runId;
}

function setRule(target: { url: string; secret: string | null } | string[], more: Partial<NewNotificationRule> = {}) {
  const rule = {
    ...TENANT,
    name: "a rule",
    launchPlan: "",
    workflow: "",
    phases: ["failed" as const],
    createdBy: "me",
    host: "x",
    ...more,
  };
  const isMail = Array.isArray(target);
  const sealed = isMail
    ? null
    : serverKey(SECRET_KEY, TARGET_PURPOSE).close(targetPlace(rule), Buffer.from(JSON.stringify(target)));
  const kind = isMail ? "email" : target.secret === null ? "slack" : "webhook";
  return setNotificationRule(database.db, { ...rule, kind, addresses: isMail ? target : [], sealed });
}
const signed = () => ({ url: `${webhook.url}/in?token=hidden`, secret: SIGNING_SECRET });

interface Row {
  readonly id: string;
  readonly source: string;
  readonly outcome: string;
  readonly tries: number;
  readonly error: string | null;
}
const deliveries = async (): Promise<Row[]> =>
  (
    await database.pool.query<Row>(
      "select id, source, outcome, tries, last_error as error from deliveries order by source",
    )
  ).rows;

/** Lets rounds follow each other until no delivery waits any more. */
async function untilDone({ round }: { round: () => Promise<boolean> }): Promise<Row[]> {
  await waitFor(
    async () => {
      await round();
      const rows = await deliveries();
      return rows.length > 0 && rows.every(({ outcome }) => outcome !== "waiting");
    },
    { what: "all deliveries to end" },
  );
  return deliveries();
}

test("a run's own notification is one mail to all it names, and its ending is forgotten", async () => {
  const runId = await failRun({
    spec: Buffer.from(specFor("ann@example.com", "bob@example.com")),
    has_notifications: true,
  });
  const rows = await untilDone(await open());
  expect(rows).toMatchObject([{ source: "spec:0", outcome: "delivered", tries: 1, error: null }]);
  expect(mail.mails).toHaveLength(1);
  const [sent] = mail.mails;
  const { rows: runs } = await database.pool.query<{ name: string }>("select name from runs where id = $1", [runId]);
  const name = runs[0]?.name;
  expect(sent?.to).toEqual(["ann@example.com", "bob@example.com"]);
  expect(sent?.header("subject")).toBe(`[flytesnacks/development] my.workflow: run ${name} failed`);
  expect(sent?.header("message-id")).toBe(`<${rows[0]?.id}@example.com>`);
  for (const words of [
    "it broke",
    "2.5 s",
    `https://skein.example.com/console/projects/flytesnacks/domains/development/executions/${name}`,
  ])
    expect(sent?.raw.replaceAll("=\r\n", "")).toContain(words);
  expect((await database.pool.query("select from run_endings")).rowCount).toBe(0);
});

test("a webhook gets what is promised, signed; the rule's other runs and phases are not told", async () => {
  await setRule(signed(), { name: "this one", workflow: "my.workflow" });
  await setRule(signed(), { name: "another workflow", workflow: "other" });
  await setRule(signed(), { name: "another phase", phases: ["succeeded", "aborted"] });
  await setRule(signed(), { name: "another domain", domain: "production" });
  await setRule(signed(), { name: "another project", project: "other" });
  await setRule(signed(), { name: "another launch plan", launchPlan: "nightly" });
  await failRun();
  const [delivery] = await untilDone(await open());
  expect(await deliveries()).toHaveLength(1);
  expect(webhook.calls).toHaveLength(1);
  const [call] = webhook.calls;
  expect(call?.path).toBe("/in?token=hidden");
  expect(call?.headers).toMatchObject({ "webhook-id": delivery?.id, "idempotency-key": delivery?.id });
  const headers = call?.headers as Record<string, string>;
  const verified = new Webhook(SIGNING_SECRET).verify(call?.body ?? "", headers);
  expect(RunEnded.parse(verified)).toMatchObject({
    run: { phase: "failed", durationSeconds: 2.5, endedAt: "1970-01-01T00:00:03.500Z" },
    workflow: { name: "my.workflow" },
    launchPlan: null,
    error: { code: "USER:E", kind: "user", message: "it broke" },
  });
});

test("what a target does not take is tried again under the same id, until it does", async () => {
  await setRule(signed());
  webhook.answer({ status: 503, body: "try later" });
  await failRun();
  const notifications = await open();
  await waitFor(async () => {
    await notifications.round();
    return webhook.calls.length >= 3;
  });
  const [waiting] = await deliveries();
  expect(waiting).toMatchObject({ outcome: "waiting", error: expect.stringMatching(/^127.0.0.1:\d+ answered 503\.$/) });
  webhook.answer({ status: 204 });
  expect(await untilDone(notifications)).toMatchObject([{ outcome: "delivered", error: null }]);
  expect(new Set(webhook.calls.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  const before = webhook.calls.length;
  await notifications.round();
  expect(webhook.calls).toHaveLength(before);
});

test("a delivery ends as failed when its tries are used up, or at once when no further try can help", async () => {
  await setRule(signed(), { name: "broken" });
  await setRule({ url: `${webhook.url}/gone`, secret: null }, { name: "gone", domain: "" });
  webhook.answer({ status: 410, body: "no_service" });
  await failRun();
  expect(await untilDone(await open())).toMatchObject([
    { outcome: "failed", tries: 1, error: expect.stringContaining("answered 410 (no_service)") },
    { outcome: "failed", tries: 1 },
  ]);
  webhook.answer({ status: 500 });
  await failRun();
  await database.pool.query("update deliveries set tries = 13 where outcome = 'waiting'");
  const notifications = await open();
  await notifications.round();
  await database.pool.query("update deliveries set tries = 13, due_at = now() where outcome = 'waiting'");
  const rows = await untilDone(notifications);
  expect(rows.filter(({ tries }) => tries === 14)).toMatchObject([{ outcome: "failed" }, { outcome: "failed" }]);
});

test("a process that dies between sending and recording sends again; who was slow undoes nothing", async () => {
  await setRule(signed());
  await failRun();
  const first = await open();
  // Takes the delivery as a scheduler does, and dies before it could say what came of it.
  const dying = await open({}, { leaseMs: 1 });
  webhook.answer("hang");
  await dying.round();
  await waitFor(() => webhook.calls.length === 1, { what: "the first try" });
  webhook.answer({ status: 200 });
  await waitFor(async () => {
    await first.round();
    return (await deliveries())[0]?.outcome === "delivered";
  });
  const [row] = await deliveries();
  expect(row).toMatchObject({ outcome: "delivered", tries: 2 });
  expect(webhook.calls.map(({ headers }) => headers["webhook-id"])).toEqual([row?.id, row?.id]);
  await dying.close();
  expect(await deliveries()).toEqual([row]);
});

test("two schedulers make and send each delivery once", async () => {
  await setRule(signed());
  for (let made = 0; made < 20; made += 1) await failRun();
  const both = await Promise.all([open(), open()]);
  await waitFor(async () => {
    await Promise.all(both.map(({ round }) => round()));
    const rows = await deliveries();
    return rows.length === 20 && rows.every(({ outcome }) => outcome === "delivered");
  });
  expect(webhook.calls).toHaveLength(20);
});

test("a target that does not answer does not keep others waiting", async () => {
  await setRule(signed(), { name: "tarpit" });
  webhook.answer("hang");
  for (let made = 0; made < 6; made += 1) await failRun();
  const notifications = await open();
  await notifications.round();
  await waitFor(() => webhook.calls.length > 0);
  await failRun({ spec: Buffer.from(specFor("ann@example.com")), has_notifications: true });
  await waitFor(async () => {
    await notifications.round();
    return mail.mails.length === 1;
  });
});

test("nothing inside is reached unless it is named, and no redirect leads there", async () => {
  await setRule(signed());
  await failRun();
  const [refused] = await untilDone(await open({ webhookAllowedHosts: [] }));
  expect(refused).toMatchObject({
    outcome: "failed",
    tries: 1,
    error: expect.stringContaining("SKEIN_WEBHOOK_ALLOWED_HOSTS"),
  });
  expect(webhook.calls).toEqual([]);
  const inside = await startWebhookSink();
  closers.push(inside.close);
  webhook.answer({ status: 302, headers: { location: inside.url } });
  await failRun();
  const notifications = await open();
  await waitFor(async () => {
    await notifications.round();
    return (await deliveries()).some(({ error }) => error?.includes("answered 302"));
  });
  expect(inside.calls).toEqual([]);
});

test("mail without a server, and a target closed under another key, fail with the reason", async () => {
  await setRule(["ann@example.com"], { name: "mail" });
  await setRule(signed(), { name: "sealed" });
  await failRun();
  const rows = await untilDone(
    await open({ smtpUrl: undefined, smtpFrom: undefined, secretKey: "another secret key that is long enough" }),
  );
  expect(rows.map(({ error }) => error)).toEqual([
    "This server sends no mail: SKEIN_SMTP_URL is not set.",
    "The address of the rule sealed cannot be decrypted: set the rule again, SKEIN_SECRET_KEY was another one then.",
  ]);
  await expect(open({ smtpFrom: undefined })).rejects.toThrow("SKEIN_SMTP_URL and SKEIN_SMTP_FROM");
});

test("mail that is refused for good is not sent again; for now, it is", async () => {
  await setRule(["ann@example.com"]);
  mail.refuse(550);
  await failRun();
  const notifications = await open();
  expect(await untilDone(notifications)).toMatchObject([
    { outcome: "failed", tries: 1, error: expect.stringContaining("550") },
  ]);
  mail.refuse(451);
  await failRun();
  await waitFor(async () => {
    await notifications.round();
    return (await deliveries()).some(({ outcome, tries }) => outcome === "waiting" && tries > 1);
  });
  mail.refuse(null);
  await untilDone(notifications);
  expect(mail.mails).toHaveLength(1);
});

test("a rule that changes or goes counts for what waits; a run that is gone is forgotten", async () => {
  await setRule(signed(), { name: "moved" });
  const dropped = await setRule(signed(), { name: "dropped" });
  webhook.answer({ status: 500 });
  await failRun();
  const notifications = await open();
  await waitFor(async () => {
    await notifications.round();
    return webhook.calls.length >= 2;
  });
  await setRule(["ann@example.com"], { name: "moved" });
  await database.pool.query("delete from notification_rules where id = $1", [dropped?.id]);
  const rows = await untilDone(notifications);
  expect(rows).toMatchObject([
    { outcome: "delivered" },
    { outcome: "failed", error: "The rule that asked for it was deleted." },
  ]);
  expect(mail.mails).toHaveLength(1);
  await insertRow(database.pool, "run_endings", { run_id: crypto.randomUUID() });
  await notifications.round();
  expect((await database.pool.query("select from run_endings")).rowCount).toBe(0);
});

test("a late answer of a try that was given up still counts as delivered", async () => {
  await setRule(signed());
  await failRun();
  const { round } = await open({}, { leaseMs: 60_000 });
  webhook.answer("hang");
  await round();
  const [row] = await deliveries();
  await database.pool.query("update deliveries set due_at = now()");
  expect(await takeDueDeliveries(database.pool, { limit: 5, leaseMs: 1_000, busyRuleIds: [] })).toHaveLength(1);
  await recordDelivered(database.pool, row?.id ?? "", null);
  expect(await deliveries()).toMatchObject([{ outcome: "delivered", tries: 2 }]);
});
