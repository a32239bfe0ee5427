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
    const shape = { queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 } as const;
    skein = await startSkein({ ...shape, env: provider.env });
    clients = await openFlyteClients(skein, "clients", {
      FLYTE_CREDENTIALS_AUTH_MODE: "ExternalCommand",
      FLYTE_CREDENTIALS_COMMAND: `echo,${await provider.tokenOf("ann")}`,
    });
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await provider?.close();
  });

  test("registers and launches its steps with a token of its own, and its steps with theirs", async () => {
    const { output, code } = await clients.pyflyte(
      ...["run", "--remote", "--wait", "--poll-interval", "1", "composition/eager_flows.py", "with_inner", "--x", "4"],
    );
    const seen = await skein.database.pool.query("select r.name, a.task_key, a.phase, a.error_message from actions a join runs r on r.id=run_id where kind='task'");
    for (const row of seen.rows) console.log(row.name, row.task_key, row.phase, row.error_message);
    expect(output).toContain("has succeeded.");
    expect(code).toBe(0);
    const { rows } = await skein.database.pool.query<{ name: string; launched_by: string; phase: string }>(
      `select coalesce(t.name, w.name) as name, coalesce(p.name, r.principal) as launched_by, r.phase
       from runs r join workflows w on w.id = r.workflow_id left join tasks t on t.id = r.task_id
       left join (select runs.id::text as id, coalesce(tasks.name, workflows.name) as name from runs
         join workflows on workflows.id = workflow_id left join tasks on tasks.id = task_id) p on p.id = r.principal
       order by r.created_at`,
    );
    console.log(rows, skein.logs().slice(-3000));
  });
});
