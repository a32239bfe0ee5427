import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  createCertificates,
  INSTALL_OPENSSL,
  INSTALL_REDIS,
  requireTool,
  startPostgres,
  startRedis,
  type TestCertificates,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openQueues } from "./open-queues.ts";

const hasOpenssl = requireTool("openssl", INSTALL_OPENSSL);
const hasRedis = requireTool("redis-server", INSTALL_REDIS);
const usual = getCACertificates("default");
let certificates: TestCertificates;
beforeAll(() => {
  if (hasOpenssl) certificates = createCertificates();
});
afterAll(async () => {
  setDefaultCACertificates(usual);
  await certificates?.close();
});

/** What NODE_EXTRA_CA_CERTS does at the start of a process. */
const trustAuthority = (): void =>
  setDefaultCACertificates([...usual, readFileSync(certificates.authorityFile, "utf8")]);
const options = { prefix: "skein", onError: () => {}, connectTimeoutMs: 2_000 };

test.skipIf(!hasOpenssl || !hasRedis)("a rediss:// queue is used once its authority is trusted", async () => {
  const { authorityFile } = certificates;
  const redis = await startRedis({ tls: { ...certificates.issue("redis"), authorityFile } });
  try {
    await expect(openQueues({ ...options, redisUrl: redis.url })).rejects.toThrow(/no answer .*certificate/);
    trustAuthority();
    const queues = await openQueues({ ...options, redisUrl: redis.url });
    await queues.close();
  } finally {
    await redis.close();
  }
});

test.skipIf(!hasOpenssl)("a Postgres queue checks whom it speaks to", async () => {
  const postgres = await startPostgres({ tls: certificates.issue("postgres") });
  const url = `${postgres.url}?sslmode=verify-full`;
  try {
    const queues = await openQueues({ ...options, postgresUrl: `${url}&sslrootcert=${certificates.authorityFile}` });
    await queues.close();
  } finally {
    await postgres.close();
  }
});
