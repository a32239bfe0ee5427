import { type OpenDb, readProjectAttributes } from "@skein/db";
import { type Policies, readPolicies } from "./policies.ts";

/** Policies by project, read again when they may have changed. */
export interface PolicyBook {
  /** What holds in a project now, or held a second ago. */
  of(project: string): Promise<Policies>;
  /** For who changed something and wants to see it at once. */
  forget(project: string): void;
}

/** A launch must not cost a round trip more. What another process changed counts after this time. */
const KEPT_MS = 1_000;
const PROJECTS_MAX = 1_000;

/** Keeps what it read for a second; those who ask meanwhile share one read. */
export function openPolicyBook(pool: OpenDb["pool"]): PolicyBook {
  const pages = new Map<string, { readonly policies: Promise<Policies>; readonly readAtMs: number }>();

  function read(project: string): Promise<Policies> {
    const policies = readProjectAttributes(pool, project).then(readPolicies);
    pages.delete(project);
    pages.set(project, { policies, readAtMs: performance.now() });
    policies.catch(() => {
      if (pages.get(project)?.policies === policies) pages.delete(project);
    });
    for (const oldest of pages.keys()) {
      if (pages.size <= PROJECTS_MAX) break;
      pages.delete(oldest);
    }
    return policies;
  }

  return {
    of(project) {
      const page = pages.get(project);
      return page && performance.now() - page.readAtMs < KEPT_MS ? page.policies : read(project);
    },
    forget: (project) => void pages.delete(project),
  };
}
