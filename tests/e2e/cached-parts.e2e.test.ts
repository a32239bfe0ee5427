import { createSkeinClient } from "@skein/client";
import { openAdminClient, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type FlyteClients,
  haveClients,
  type LaunchInput,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
vi.setConfig({ testTimeout: 180_000 });

describe.skipIf(!available)("tasks in maps and dynamic workflows are cached one by one", () => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  beforeAll(async () => {
    skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1, agentSlots: 3 });
    clients = await openFlyteClients(skein);
    await clients.register("cached_parts.py");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  /** The outputs of a run, and what the cache did for its only node and for each task under that. */
  async function seen(plan: string, inputs: Readonly<Record<string, LaunchInput>>) {
    const name = await clients.launch(`cached_parts.${plan}`, inputs);
    const { o0 } = await outputsWhenOver(openAdminClient(skein.url), name);
    const run = { ...TEST_TENANT, name };
    const { runs } = createSkeinClient({ url: skein.url });
    const [node, under] = await Promise.all([
      runs.getAction.query({ ...run, action: "n0" }),
      runs.actions.query({ ...run, parent: "n0" }),
    ]);
    const tasks = under.items.filter(({ kind }) => kind === "task");
    return { value: o0, node: node.cacheStatus, under: tasks.map(({ cacheStatus }) => cacheStatus) };
  }

  test("an item that an earlier map computed is not computed again", async () => {
    const [populated, hit] = ["populated", "hit"];
    expect(await seen("scaling", { ns: [1, 2, 3], by: 2 })).toEqual({
      value: [2n, 4n, 6n],
      node: "disabled",
      under: [populated, populated, populated],
    });
    expect(await seen("scaling", { ns: [3, 4, 1], by: 2 })).toMatchObject({
      value: [6n, 8n, 2n],
      under: [hit, populated, hit],
    });
    expect(await seen("scaling", { ns: [3], by: 5 })).toMatchObject({ value: [15n], under: [populated] });
  });

  test("a dynamic workflow is cached as a whole, and its tasks on their own", async () => {
    expect(await seen("tripling", { n: 7 })).toEqual({ value: 21n, node: "populated", under: ["populated"] });
    expect(await seen("tripling", { n: 7 })).toEqual({ value: 21n, node: "hit", under: [] });
  });
});
