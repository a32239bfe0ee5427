import { leashSharedKubernetes } from "./kubernetes.ts";
import { startPostgres } from "./postgres-server.ts";
import { isTemplateOffered, offerTemplate } from "./test-database.ts";

/**
 * Vitest's globalSetup of the projects that need Postgres: one server for the whole run, `SKEIN_TEST_DATABASE_URL` (a
 * superuser's) or an embedded one. A second project of the same run finds the first one's. A Kubernetes that some test
 * starts is wiped in the end.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (isTemplateOffered()) return undefined;
  const kubernetes = leashSharedKubernetes();
  const given = process.env.SKEIN_TEST_DATABASE_URL;
  const server = given === undefined ? await startPostgres() : undefined;
  const template = await offerTemplate(given ?? server?.url ?? "");
  return async () => {
    if (server === undefined) await template.close();
    await Promise.all([server?.close(), kubernetes.close()]);
  };
}
