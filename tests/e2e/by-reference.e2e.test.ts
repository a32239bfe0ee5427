import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { WorkflowExecution_Phase } from "@skein/idl/core";
import { ArtifactType, DataProxyService } from "@skein/idl/service";
import { type AdminClient, openAdminClient, TEST_TENANT, untilOver, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  type LaunchInput,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const RUN_TIMEOUT_MS = 110_000;

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "postgres", storage: "file" }))(
  "values by reference, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 4 });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
      await clients.register("by_reference.py");
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });

    const launch = (plan: string, inputs: Readonly<Record<string, LaunchInput>>) =>
      clients.launch(`by_reference.${plan}`, inputs);
    async function outputOf(plan: string, inputs: Readonly<Record<string, LaunchInput>>): Promise<unknown> {
      const name = await launch(plan, inputs);
      const { closure } = await untilOver(admin, name, RUN_TIMEOUT_MS);
      if (closure?.outputResult.case === "error") return closure.outputResult.value.message;
      return (await outputsWhenOver(admin, name)).o0;
    }

    test.concurrent("a list of 12 MiB goes from task to task", async () => {
      expect(await outputOf("large_list", { n: 12 * 1024 })).toBe(75_491_328n);
    });

    test.concurrent("a file inside of a dataclass is the same file for the next task", async () => {
      expect(await outputOf("parcels", { text: "hello" })).toBe("hello 5");
    });

    test.concurrent("nodes that a dynamic workflow makes read the file that it was given", async () => {
      expect(await outputOf("dynamic_files", { text: "hello", times: 2 })).toEqual(["hello", "hello"]);
    });

    test.concurrent("items of a map read the file that is bound to all of them", async () => {
      expect(await outputOf("mapped_files", { text: "hello", ns: [1, 2] })).toEqual(["1hello", "2hello"]);
    });

    test.concurrent("a deck is shown while its task runs, and in whole when it is over", async () => {
      const name = await launch("live_deck", { seconds: 10 });
      const value = { nodeId: "n0", executionId: { ...TEST_TENANT, name } };
      const data = createClient(DataProxyService, createGrpcTransport({ baseUrl: skein.url }));
      const deck = async (): Promise<string> => {
        const source = { case: "nodeExecutionId" as const, value };
        const { signedUrl } = await data.createDownloadLink({ artifactType: ArtifactType.DECK, source });
        return (await fetch(signedUrl[0] ?? "")).text();
      };
      const isShown = async () => (await admin.getNodeExecution({ id: value })).closure?.deckUri !== "";
      await waitFor(isShown, { timeoutMs: RUN_TIMEOUT_MS, what: "a deck while the task runs" });
      expect((await admin.getExecution({ id: value.executionId })).closure?.phase).toBe(
        WorkflowExecution_Phase.RUNNING,
      );
      const early = await deck();
      expect([early.includes("so far so good"), early.includes("all is well")]).toEqual([true, false]);
      await untilOver(admin, name, RUN_TIMEOUT_MS);
      expect(await deck()).toContain("all is well");
    });
  },
);
