import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type IdentityProvider, startIdentityProvider } from "./src/identity-provider.ts";
import { type FlyteClients, haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";

const available = await haveClients();

describe.skipIf(!available)("an eager workflow on a server that asks for a login", () => {
  let provider: IdentityProvider;
  let skein: RunningSkein;
  let clients: FlyteClients;

  beforeAll(async () => {
    provider = await startIdentityProvider();
    // One slot: an eager workflow that kept it would wait for its steps for ever.
    const shape = { queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1, agentSlots: 1 } as const;
    skein = await startSkein({ ...shape, env: provider.env });
    clients = await openFlyteClients(skein, "clients", {
      FLYTE_CREDENTIALS_AUTH_MODE: "ExternalCommand",
      FLYTE_CREDENTIALS_COMMAND: `echo,${provider.tokenOf("ann")}`,
    });
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await provider?.close();
  });

  /** Every run with whoever launched it, by the names of their tasks. */
  async function launches(): Promise<(readonly [launcher: string, launched: string])[]> {
    const { rows } = await skein.database.pool.query<{ id: string; principal: string; task: string }>(
      "select r.id, r.principal, t.name as task from runs r join tasks t on t.id = r.task_id order by r.created_at",
    );
    const taskOf = new Map(rows.map(({ id, task }) => [id, task.replace("composition.eager_flows.", "")]));
    return rows.map(({ id, principal }) => [taskOf.get(principal) ?? principal, taskOf.get(id) ?? ""] as const);
  }

  test("registers and launches its steps with the token of its run, and an inner one with that of its own", async () => {
    const { output, code } = await clients.pyflyte(
      ...["run", "--remote", "--wait", "--poll-interval", "1", "composition/eager_flows.py", "with_inner", "--x", "4"],
    );
    expect(output).toContain("has succeeded.");
    expect(code).toBe(0);
    expect(await launches()).toEqual([
      ["ann", "with_inner"],
      ["with_inner", "inner"],
      ["inner", "one_more"],
      ["with_inner", "threefold"],
    ]);
  });
});
