// Copies what one app needs at run time out of an installed checkout: its workspace, the workspaces and packages that it
// depends on, and nothing of tests or development. `node scripts/images/collect-app.ts @skein/api /out`
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { argv } from "node:process";

interface PackageFile {
  readonly name?: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** What an app is made of: workspaces run from their sources, packages as they were installed. Real folders, sorted. */
export interface Closure {
  readonly workspaces: readonly string[];
  readonly packages: readonly string[];
  /** Links of workspaces below a `node_modules`, link → folder. */
  readonly links: ReadonlyMap<string, string>;
}

const readPackage = (folder: string): PackageFile => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** Follows every dependency from the app's workspace, found the way Node finds it. */
export function closureOf(root: string, app: string): Closure {
  const start = realpathSync(join(root, "node_modules", app));
  const seen = new Set([start]);
  const links = new Map<string, string>();
  const waiting = [start];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const [name, isRequired] of dependenciesOf(readPackage(folder))) {
      const found = findInstalled(root, folder, name);
      if (found === undefined) {
        if (isRequired) throw new Error(`${name}, which ${relative(root, folder)} needs, is not installed`);
        continue;
      }
      const real = realpathSync(found);
      if (real !== found) links.set(found, real);
      if (seen.has(real)) continue;
      seen.add(real);
      waiting.push(real);
    }
  }
  const all = [...seen].sort();
  const isInstalled = (folder: string) => relative(root, folder).split("/").includes("node_modules");
  return { workspaces: all.filter((one) => !isInstalled(one)), packages: all.filter(isInstalled), links };
}

/** What only compilers ask for. */
const BUILD_PEERS = new Set(["typescript"]);

function dependenciesOf(file: PackageFile): [name: string, isRequired: boolean][] {
  const optional = Object.keys(file.optionalDependencies ?? {});
  const required = Object.keys(file.dependencies ?? {}).filter((name) => !optional.includes(name));
  // A peer is somebody else's dependency, or one that is not needed.
  const peers = Object.keys(file.peerDependencies ?? {}).filter(
    (name) => !(BUILD_PEERS.has(name) || file.peerDependenciesMeta?.[name]?.optional),
  );
  return [
    ...required.map((name): [string, boolean] => [name, true]),
    ...[...optional, ...peers].map((name): [string, boolean] => [name, false]),
  ];
}

function findInstalled(root: string, from: string, name: string): string | undefined {
  for (let folder = from; folder.length >= root.length; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return undefined;
}

const LEFT_OUT = new Set(["node_modules", "test", "testing", "examples", "dist"]);
const isOfTests = (path: string): boolean => /\.(test|testsuite)\.ts$/.test(path);

/** Writes the closure below `out`, each part at its place in the checkout. */
export function copyClosure(root: string, closure: Closure, out: string): void {
  const placeOf = (path: string): string => join(out, relative(root, path));
  for (const folder of closure.workspaces) {
    cpSync(folder, placeOf(folder), {
      recursive: true,
      filter: (path) => path === folder || !(LEFT_OUT.has(basename(path)) || isOfTests(path)),
    });
  }
  for (const folder of closure.packages) {
    cpSync(folder, placeOf(folder), {
      recursive: true,
      filter: (path) => path === folder || !(basename(path) === "node_modules" || /\.(map|md|d\.[cm]?ts)$/.test(path)),
    });
  }
  for (const [link, folder] of closure.links) {
    mkdirSync(dirname(placeOf(link)), { recursive: true });
    symlinkSync(relative(dirname(link), folder), placeOf(link));
  }
  cpSync(join(root, "package.json"), join(out, "package.json"));
}

if (import.meta.main) {
  const [app, out] = argv.slice(2);
  if (app === undefined || out === undefined) throw new Error("give the workspace's name and a folder to write");
  const root = realpathSync(".");
  copyClosure(root, closureOf(root, app), resolve(out));
}
