import { readFileSync } from "node:fs";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ArtifactType, DataProxyService } from "@skein/idl/service";
import { type AdminClient, openAdminClient, outputsOf, TEST_TENANT, untilOver } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  plainValues,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const GEESE = "гуси 🪿";

const PAIRS = backingsOfLongSuite({ queue: "redis", storage: "s3" });

describe.skipIf(!available).each(PAIRS)("data, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    await clients.register("passing.py", "plans.py");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  test.concurrent("C7.65-66 and 69 values of every type arrive as they were typed", async () => {
    const { output } = await clients.pyflyte(
      ...["run", "--remote", "passing.py", "carrying", "--big", "9007199254740993", "--text", GEESE],
      ...["--small=-9223372036854775808", "--nested", "[[1,2],[]]", "--table", '{"a": 1}', "--either", "five"],
      ...["--when", "2024-05-06T07:08:09", "--took", "10 minutes", "--colour", "green"],
    );
    const name = /executions\/([a-z][a-z0-9-]*)/.exec(output)?.[1];
    expect(name, output).toBeDefined();
    const { seen, ...values } = await outputsWhenOver(admin, name ?? "");
    expect(values).toEqual({
      big: 9007199254740993n,
      small: -9223372036854775808n,
      text: GEESE,
      nested: [[1n, 2n], []],
    });
    const [table, when, took, maybe, either, colour] = JSON.parse(String(seen)) as unknown[];
    expect([table, took, maybe, either, colour]).toEqual([{ a: 1 }, 600, null, "five", "green"]);
    expect(String(when)).toMatch(/^2024-05-06T07:08:09/);
  });

  test.concurrent("C7.68 a text of 3 MiB is still readable", async () => {
    const name = await clients.launch("passing.lengthening", { text: "goose ", times: 524_288 });
    await untilOver(admin, name);
    const { o0 } = plainValues(await outputsOf(admin, name));
    expect(String(o0)).toHaveLength(3 * 1024 * 1024);
    const remote = await clients.remote();
    expect(await remote.run(`result = len(remote.fetch_execution(name="${name}").outputs.get("o0"))`)).toBe(3_145_728);
  });

  test.concurrent("C7.63-64 a deck is linked, and flyte:// urls lead to it and to single values", async () => {
    const name = await clients.launch("passing.illustrating", { text: "in flight" });
    await untilOver(admin, name);
    const nodeExecutionId = { nodeId: "n0", executionId: { ...TEST_TENANT, name } };
    const node = await admin.getNodeExecution({ id: nodeExecutionId });
    expect(node.closure?.deckUri).toMatch(/deck\.html$/);
    const proxy = createClient(DataProxyService, createGrpcTransport({ baseUrl: skein.url }));
    const link = await proxy.createDownloadLink({
      artifactType: ArtifactType.DECK,
      source: { case: "nodeExecutionId", value: nodeExecutionId },
    });
    const deck = await fetch(link.preSignedUrls?.signedUrl[0] ?? "");
    expect(deck.status).toBe(200);
    expect(await deck.text()).toContain("in flight");

    const remote = await clients.remote();
    const prefix = `flyte://v1/flytesnacks/development/${name}/n0`;
    const seen = await remote.run(`
      one = remote.get("${prefix}/o/o0")
      attempt = remote.get("${prefix}/0/o")
      deck = remote.get("${prefix}/d").decode()
      result = [one.scalar.primitive.string_value, attempt.get("o0", as_type=str), "in flight" in deck]
    `);
    expect(seen).toEqual(["in flight", "in flight", true]);
  });

  test("C9.76 an execFile hides a fixed input, and shows a default", async () => {
    const [fixed, withDefault] = await Promise.all(
      ["plans.with_fixed", "plans.with_default"].map(async (plan) => {
        const file = `${clients.folder}/${plan}.yaml`;
        const got = await clients.flytectl("get", "launchplan", plan, "--latest", "--execFile", file);
        expect(got.code, got.output).toBe(0);
        return readFileSync(file, "utf8");
      }),
    );
    expect(fixed).toMatch(/inputs:\s+a: 0\s*\n(?!\s+b:)/);
    expect(withDefault).toMatch(/b: 7/);
  });

  test("C9.77 activating another version deactivates the first", async () => {
    const { code, output } = await clients.pyflyte(
      ...["register", "-p", TEST_TENANT.project, "-d", TEST_TENANT.domain, "--version", "v2", "plans.py"],
    );
    expect(code, output).toBe(0);
    const activate = (version: string) =>
      clients.flytectl("update", "launchplan", "plans.product", "--version", version, "--activate", "--force");
    for (const version of ["v1", "v2"]) {
      const done = await activate(version);
      expect(done.code, done.output).toBe(0);
      const active = await admin.getActiveLaunchPlan({ id: { ...TEST_TENANT, name: "plans.product" } });
      expect(active.id?.version).toBe(version);
    }
  });
});
