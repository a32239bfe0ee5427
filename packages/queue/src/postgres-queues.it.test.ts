import { startPostgres } from "@skein/testing";
import { Client } from "pg";
import { describe } from "vitest";
import { describeQueues } from "./queue.testsuite.ts";

describe("the queue on Postgres", () => {
  describeQueues(async () => {
    const postgres = await startPostgres();
    const ask = async (sql: string): Promise<{ count?: string }[]> => {
      const client = new Client({ connectionString: postgres.url });
      await client.connect();
      try {
        return (await client.query<{ count?: string }>(sql)).rows;
      } finally {
        await client.end();
      }
    };
    return {
      where: { postgresUrl: postgres.url },
      wipe: async () => void (await ask("truncate bullmq.job cascade")),
      interrupt: async () =>
        void (await ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name <> ''")),
      countConnections: async () => {
        const rows = await ask(
          "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        return Number(rows[0]?.count);
      },
      close: () => postgres.close(),
    };
  });
});
