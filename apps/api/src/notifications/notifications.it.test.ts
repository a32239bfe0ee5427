import { SealedTarget, TARGET_PURPOSE, targetPlace } from "@skein/contracts";
import { serverKey } from "@skein/secrets";
import { insertRow } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, TEST_SECRET_KEY, type TestApi } from "../testing/start-test-api.ts";

const P = { project: "flytesnacks", domain: "development" };
const HIDDEN = "T000-B000-hidden";
const SLACK = { kind: "slack" as const, url: `https://hooks.slack.example/services/${HIDDEN}` };
const WEBHOOK = {
  kind: "webhook" as const,
  url: `https://me.example:8443/in?token=${HIDDEN}`,
  secret: `whsec_${HIDDEN}-of-some-length`,
};
const MAIL = { kind: "email" as const, addresses: ["ann@example.com"] };
const FAILED = { phases: ["failed" as const] };

let api: TestApi;
let call: (path: string, input: object) => Promise<unknown>;

beforeAll(async () => {
  api = await startTestApi({ projects: ["flytesnacks", "other"] });
  call = async (path, input) => {
    const isQuery = path.endsWith(".list");
    const url = `${api.url}/trpc/notifications.${path}`;
    const response = isQuery
      ? await fetch(`${url}?input=${encodeURIComponent(JSON.stringify(input))}`)
      : await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(input),
        });
    const answer = (await response.json()) as { result?: { data: unknown }; error?: { message: string } };
    if (answer.result) return answer.result.data;
    throw new Error(answer.error?.message);
  };
});
afterAll(() => api?.close());

const refusalOf = async (input: object): Promise<string> =>
  ((await call("rules.set", { ...P, name: "bad", ...FAILED, target: MAIL, ...input }).catch((error) => error)) as Error)
    .message;

test("rules are set, listed and deleted, and no answer and no row holds what is secret of them", async () => {
  await call("rules.set", { ...P, name: "slack", ...FAILED, target: SLACK });
  await call("rules.set", {
    project: "flytesnacks",
    name: "hook",
    phases: ["failed", "aborted"],
    target: WEBHOOK,
    workflow: "w",
  });
  await call("rules.set", { project: "flytesnacks", domain: "production", name: "mail", ...FAILED, target: MAIL });
  const all = await call("rules.list", { project: "flytesnacks" });
  expect(all).toMatchObject({
    items: [
      {
        domain: null,
        name: "hook",
        workflow: "w",
        launchPlan: null,
        phases: ["failed", "aborted"],
        target: { kind: "webhook", host: "me.example:8443" },
      },
      {
        domain: "development",
        name: "slack",
        createdBy: "anonymous",
        target: { kind: "slack", host: "hooks.slack.example" },
      },
      { domain: "production", name: "mail", target: { kind: "email", addresses: ["ann@example.com"] } },
    ],
  });
  const here = (await call("rules.list", P)) as { items: { name: string }[] };
  expect(here.items.map(({ name }) => name)).toEqual(["hook", "slack"]);
  expect(await call("rules.list", { project: "other" })).toEqual({ items: [] });

  const { rows } = await api.database.pool.query("select * from notification_rules where name = 'hook'");
  const kept = JSON.stringify(rows) + rows[0].sealed.toString("latin1");
  expect([JSON.stringify(all), kept].join()).not.toContain(HIDDEN);
  const opened = serverKey(TEST_SECRET_KEY, TARGET_PURPOSE).open(targetPlace(rows[0]), rows[0].sealed);
  expect(SealedTarget.parse(JSON.parse(Buffer.from(opened).toString()))).toEqual({
    url: WEBHOOK.url,
    secret: WEBHOOK.secret,
  });

  await call("rules.set", { ...P, name: "slack", phases: ["succeeded"], target: MAIL });
  const changed = (await call("rules.list", P)) as { items: unknown[] };
  expect(changed.items[1]).toMatchObject({ name: "slack", phases: ["succeeded"], target: { kind: "email" } });
  await call("rules.delete", { ...P, name: "slack" });
  await expect(call("rules.delete", { ...P, name: "slack" })).rejects.toThrow(
    "There is no rule slack in flytesnacks/development.",
  );
});

test.each([
  [{ target: { kind: "pigeon" } }, "target"],
  [{ target: { ...SLACK, url: "ftp://x/y" } }, "target.url is no web address"],
  [{ target: { ...SLACK, url: "https://user:pw@x/y" } }, "target.url holds a user or a password"],
  [{ target: { ...WEBHOOK, secret: "short" } }, "target.secret must have 24 to 512 characters"],
  [{ target: { kind: "email", addresses: [] } }, "target.addresses is empty"],
  [{ target: { kind: "email", addresses: ["a@b.example", "x@y.example, z@y.example"] } }, "target.addresses[1] is"],
  [{ target: { kind: "email", addresses: ["a@b.example\r\nBcc: c@d.example"] } }, "target.addresses[0] is"],
  [{ phases: ["running"] }, "phases.0"],
  [{ phases: [] }, "phases: must name at least one phase"],
  [{ name: "a\nb" }, "name holds a control character"],
  [{ domain: "nowhere" }, "domain nowhere does not exist"],
  [{ project: "nobody" }, "nobody"],
])("%j is refused, and the message says why", async (input, words) => {
  const message = await refusalOf(input);
  expect(message).toContain(words);
  expect(message).not.toContain(HIDDEN);
});

test("deliveries are listed with what became of them; one that failed is tried anew", async () => {
  const of = { ...P, run_id: crypto.randomUUID(), run_name: "r1", kind: "email", addresses: "{}", message: "{}" };
  const insert = (source: string, row: object) =>
    insertRow<{ id: string }>(api.database.pool, "deliveries", { ...of, source, ...row });
  const failed = await insert("spec:0", { outcome: "failed", tries: 14, last_error: "no", ended_at: new Date(1_000) });
  await insert("spec:1", { outcome: "delivered", tries: 1, ended_at: new Date(2_000), run_name: "r2" });
  const list = async (input: object) =>
    ((await call("deliveries.list", { ...P, ...input })) as { items: Record<string, unknown>[] }).items;
  expect(await list({ outcome: "failed" })).toEqual([
    {
      ...{ id: failed.id, ...P, run: "r1", rule: null, kind: "email", outcome: "failed", tries: 14, lastError: "no" },
      ...{ createdAt: expect.any(String), dueAt: null, endedAt: "1970-01-01T00:00:01.000Z" },
    },
  ]);
  expect((await list({ run: "r2" })).map(({ outcome }) => outcome)).toEqual(["delivered"]);
  expect(await list({ domain: "production" })).toEqual([]);
  await expect(call("deliveries.retry", { project: "other", domain: P.domain, id: failed.id })).rejects.toThrow(
    "There is no delivery",
  );
  await call("deliveries.retry", { ...P, id: failed.id });
  expect(await list({ run: "r1" })).toMatchObject([
    { outcome: "waiting", tries: 0, dueAt: expect.any(String), endedAt: null },
  ]);
  await expect(call("deliveries.retry", { ...P, id: failed.id })).rejects.toThrow("that has failed");
});
