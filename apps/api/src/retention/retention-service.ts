import { type Db, listDomains } from "@skein/db";
import {
  deleteRetention,
  type RetentionRow,
  type RetentionRule,
  readRetention,
  setRetention,
} from "@skein/db/retention";
import { SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { invalid, storableText } from "../registry/identity.ts";

/** How long projects keep what is over. */
export const retentionService = (db: Db, projects: ProjectService) => ({
  /** The rules of a project: its own first, then those of its domains. */
  async get(call: Call, project: string): Promise<RetentionRow[]> {
    await projects.get(call, project);
    return readRetention(db.$client, project);
  },

  async set(call: Call, rule: RetentionRule): Promise<void> {
    const { project, domain, runDays, objectDays } = rule;
    await projects.get(call, project);
    if (domain !== "") await checkDomain(db, domain);
    if (runDays !== null && objectDays !== null && objectDays > runDays) {
      throw invalid(
        "objectDays",
        `is ${objectDays}, but a run and its objects are gone after ${runDays} days: make it less`,
      );
    }
    await setRetention(db.$client, rule, storableText(call.caller.subject));
  },

  /** What the project says holds for the domain again; without a domain, nothing does. */
  async clear(call: Call, project: string, domain: string): Promise<void> {
    await projects.get(call, project);
    await deleteRetention(db.$client, project, domain);
  },
});

async function checkDomain(db: Db, domain: string): Promise<void> {
  const known = (await listDomains(db)).map(({ id }) => id);
  if (known.includes(domain)) return;
  const message = `domain is ${JSON.stringify(domain)}: use one of ${known.join(", ")}.`;
  throw new SkeinError("not_found", "domain_not_found", message, { details: { domain } });
}
