import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CatalogCacheStatus, NodeExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import { type AdminClient, openAdminClient, untilOver } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  nodesOf,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const { CACHE_HIT, CACHE_POPULATED, CACHE_SKIPPED } = CatalogCacheStatus;
vi.setConfig({ testTimeout: 240_000 });
const TENANT = ["-p", "flytesnacks", "-d", "development"];

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "redis", storage: "s3" }))(
  "cache and recovery, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      // The tasks leave marks in files that a sandbox would hide.
      const env = { SKEIN_ISOLATION: "none" };
      skein = await startSkein({ env, ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 3 });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
      await clients.register("caching");
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });

    const fileFor = (name: string): string => join(skein.folder, `${name}.txt`);
    const linesIn = (path: string): string[] => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : []);
    /** Waits for a run of squares.py; tells its value and what became of the cache. */
    async function seen(name: string) {
      const outputs = await outputsWhenOver(admin, name);
      const node = (await nodesOf(admin, name)).find(({ id }) => id === "n0");
      return { value: outputs.o0, status: node?.cacheStatus };
    }
    const square = async (plan: string, n: number, path: string) =>
      seen(await clients.launch(`caching.squares.${plan}`, { n, path }));
    /** Registers squares.py with a part of it replaced. */
    async function registerEdited(version: string, from: string, to: string): Promise<void> {
      const file = join(clients.workflows, "caching", "squares.py");
      const source = readFileSync(file, "utf8");
      expect(source).toContain(from);
      writeFileSync(file, source.replace(from, to));
      const { code, output } = await clients.pyflyte("register", ...TENANT, "--version", version, "caching/squares.py");
      writeFileSync(file, source);
      expect(code, output).toBe(0);
    }

    test.concurrent("C8.70 and 72-74 what was computed is not computed again, unless asked or changed", async () => {
      const path = fileFor("squares");
      const elsewhere = fileFor("squares-elsewhere");
      expect(await square("squaring", 4, path)).toEqual({ value: 16n, status: CACHE_POPULATED });
      // The path is an ignored input.
      expect(await square("squaring", 4, elsewhere)).toEqual({ value: 16n, status: CACHE_HIT });
      expect(await square("squaring", 3, path)).toEqual({ value: 9n, status: CACHE_POPULATED });
      expect(linesIn(elsewhere)).toEqual([]);

      const overwriting = await (await clients.remote()).run(`
      plan = remote.fetch_launch_plan(name="caching.squares.squaring")
      result = remote.execute(plan, inputs={"n": 4, "path": "${path}"}, overwrite_cache=True).id.name
    `);
      const overwritten = await seen(String(overwriting));
      expect(overwritten.value).toBe(16n);
      expect([CACHE_SKIPPED, CACHE_POPULATED]).toContain(overwritten.status);
      expect(linesIn(path)).toEqual(["square 4", "square 3", "square 4"]);

      await registerEdited("v2", "return n * n", "return n**2");
      expect(await square("squaring", 4, elsewhere)).toEqual({ value: 16n, status: CACHE_HIT });
      await registerEdited("v3", '@task(cache=True, cache_version="1"', '@task(cache=True, cache_version="2"');
      expect(await square("squaring", 4, elsewhere)).toEqual({ value: 16n, status: CACHE_POPULATED });
      await registerEdited("v4", "def square(n: int, path: str)", "def square(n: int, path: str, more: int = 0)");
      expect(await square("squaring", 4, elsewhere)).toEqual({ value: 16n, status: CACHE_POPULATED });
      expect(linesIn(elsewhere)).toEqual(["square 4", "square 4"]);
    });

    test.concurrent("C8.71 of two runs at once that need the same, one computes", async () => {
      const path = fileFor("slow");
      const names = await Promise.all(
        [0, 1].map(() => clients.launch("caching.squares.slow_squaring", { n: 5, path })),
      );
      const both = await Promise.all(names.map(seen));
      expect(both.map(({ value }) => value)).toEqual([25n, 25n]);
      expect(both.map(({ status }) => status).toSorted()).toEqual([CACHE_HIT, CACHE_POPULATED]);
      expect(linesIn(path)).toEqual(["slow_square 5"]);
    });

    test.concurrent("C8.75 a recovered run keeps what succeeded and goes on from what failed", async () => {
      const path = fileFor("steps");
      const failed = await clients.launch("caching.three_steps.three_steps", { path });
      expect((await untilOver(admin, failed)).closure?.phase).toBe(WorkflowExecution_Phase.FAILED);
      expect(linesIn(path)).toEqual(["first", "second"]);
      writeFileSync(`${path}.open`, "");
      const { code, output } = await clients.flytectl("create", "execution", "--recover", failed);
      expect(code, output).toBe(0);
      const recovered = /name:"([^"]+)"/.exec(output)?.[1] ?? "";
      expect(await outputsWhenOver(admin, recovered), output).toEqual({ o0: 3n });
      const nodes = await nodesOf(admin, recovered);
      expect(nodes.find(({ id }) => id === "n0")?.phase).toBe(NodeExecution_Phase.RECOVERED);
      expect(linesIn(path)).toEqual(["first", "second", "second", "third"]);
      const run = await (await clients.remote()).run(`
      run = remote.sync_execution(remote.fetch_execution(name="${recovered}"), sync_nodes=True)
      result = [run.is_done, run.outputs.get("o0"), run.spec.metadata.reference_execution.name]
    `);
      expect(run).toEqual([true, 3, failed]);
    });
  },
);
