import { RunEnded } from "@skein/contracts";
import { type MailSink, startMailSink, startWebhookSink, type WebhookSink, waitFor } from "@skein/testing";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FlyteClients, haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";

const available = await haveClients();
const TENANT = { project: "flytesnacks", domain: "development" };
const SECRET = `whsec_${Buffer.from("thirty-two bytes of signing key!").toString("base64")}`;

interface Delivery {
  readonly run: string;
  readonly rule: string | null;
  readonly kind: string;
  readonly outcome: string;
  readonly tries: number;
}

describe.skipIf(!available)("notifications", () => {
  let mail: MailSink;
  let webhook: WebhookSink;
  let skein: RunningSkein;
  let clients: FlyteClients;

  beforeAll(async () => {
    [mail, webhook] = await Promise.all([startMailSink(), startWebhookSink()]);
    const env = {
      SKEIN_SMTP_URL: mail.url,
      SKEIN_SMTP_FROM: "Skein <skein@example.com>",
      SKEIN_WEBHOOK_ALLOWED_HOSTS: "127.0.0.1",
    };
    skein = await startSkein({ env, queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
    await clients.register("notified");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await Promise.all([mail?.close(), webhook?.close()]);
  });

  const answerOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { result: { data: unknown } }).result.data;
  const setRule = async (rule: object): Promise<unknown> => {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify({ ...TENANT, ...rule }) };
    return answerOf(await fetch(`${skein.url}/trpc/notifications.rules.set`, init));
  };
  const deliveriesOf = async (run: string): Promise<Delivery[]> => {
    const input = encodeURIComponent(JSON.stringify({ ...TENANT, run }));
    const answer = await answerOf(await fetch(`${skein.url}/trpc/notifications.deliveries.list?input=${input}`));
    return (answer as { items: Delivery[] }).items;
  };
  const pyflyteRun = async (...flags: string[]): Promise<string> => {
    const place = ["-p", TENANT.project, "-d", TENANT.domain];
    const { code, output } = await clients.pyflyte(
      "run",
      "--remote",
      ...place,
      ...flags,
      "remote-launchplan",
      "notified.plan",
    );
    expect(code, output).toBe(0);
    return /executions\/([a-z0-9-]+)/.exec(output)?.[1] ?? output;
  };
  /** The webhook's message about a run. */
  const toldOf = (run: string) =>
    waitFor(() => webhook.calls.find(({ body }) => body.includes(`"name":"${run}"`)), {
      timeoutMs: 60_000,
      what: `the webhook to hear of ${run}`,
    });

  test("C9.84 a failure is one mail, and none with --disable-notifications; a project's webhook hears of both", async () => {
    await setRule({
      ...{ name: "on-call", phases: ["failed"] },
      target: { kind: "webhook", url: `${webhook.url}/hook`, secret: SECRET },
    });
    await setRule({
      name: "victories",
      phases: ["succeeded"],
      target: { kind: "email", addresses: ["bob@example.com"] },
    });

    const loud = await pyflyteRun();
    const { body, headers } = await toldOf(loud);
    const told = RunEnded.parse(new Webhook(SECRET).verify(body, headers as Record<string, string>));
    expect(told).toMatchObject({
      run: { name: loud, phase: "failed", mode: "manual" },
      launchPlan: { name: "notified.plan" },
      workflow: { name: expect.stringContaining("failing") },
      task: null,
      error: { kind: expect.any(String) },
    });
    await waitFor(() => mail.mails.length > 0, { what: "the mail" });
    expect(mail.mails.map(({ to }) => to)).toEqual([["ann@example.com"]]);
    expect(mail.mails[0]?.header("subject")).toBe(`[flytesnacks/development] notified.plan: run ${loud} failed`);

    const silent = await pyflyteRun("--disable-notifications");
    await toldOf(silent);
    const shown = async (run: string) =>
      (await deliveriesOf(run)).map(({ rule, kind, outcome, tries }) => ({ rule, kind, outcome, tries }));
    const hook = { rule: "on-call", kind: "webhook", outcome: "delivered", tries: 1 };
    await waitFor(async () => (await shown(silent))[0]?.outcome === "delivered");
    // Deliveries of a run are made all at once: there will be no other one.
    expect(await shown(silent)).toEqual([hook]);
    expect(await shown(loud)).toEqual(
      expect.arrayContaining([hook, { rule: null, kind: "email", outcome: "delivered", tries: 1 }]),
    );
    expect(mail.mails).toHaveLength(1);
  });
});
