import {
  createCertificates,
  INSTALL_OPENSSL,
  requireTool,
  startPostgres,
  type TestCertificates,
  type TestPostgres,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDb } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { openListener } from "./notify.ts";

describe.skipIf(!requireTool("openssl", INSTALL_OPENSSL))("sslmode=verify-full", () => {
  let certificates: TestCertificates;
  let postgres: TestPostgres;
  beforeAll(async () => {
    certificates = createCertificates();
    postgres = await startPostgres({ tls: certificates.issue("server", ["DNS:localhost"]) });
  });
  afterAll(async () => {
    await postgres?.close();
    await certificates?.close();
  });

  const urlOf = (host: string, options: string): string => `${postgres.url.replace("127.0.0.1", host)}?${options}`;
  const isEncrypted = async (url: string): Promise<boolean> => {
    const { pool, close } = openDb(url, { max: 1 });
    try {
      const { rows } = await pool.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
      return rows[0].ssl;
    } finally {
      await close();
    }
  };

  test("every kind of connection is encrypted, to a server that its authority vouches for", async () => {
    const url = urlOf("localhost", `sslmode=verify-full&sslrootcert=${certificates.authorityFile}`);
    expect(await isEncrypted(url)).toBe(true);
    expect(await isEncrypted(postgres.url)).toBe(false);
    await migrate(url);
    const listener = await openListener(url, ["skein_test"], () => {});
    await listener.close();
  });

  test("a server that is called something else, or that nobody vouches for, is refused", async () => {
    const trusted = `sslmode=verify-full&sslrootcert=${certificates.authorityFile}`;
    await expect(isEncrypted(urlOf("127.0.0.1", trusted))).rejects.toThrow(/does not match certificate/);
    await expect(isEncrypted(urlOf("localhost", "sslmode=verify-full"))).rejects.toThrow(/certificate/);
  });
});
