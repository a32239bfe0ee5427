import { spawnSync } from "node:child_process";

/** Package managers in the order in which they are looked for, each with its install command. */
const MANAGERS = {
  "apt-get": "sudo apt-get install",
  dnf: "sudo dnf install",
  apk: "sudo apk add",
  brew: "brew install",
};
type Manager = keyof typeof MANAGERS;

/** What a tool's package is called, where its name differs from the first one. */
export type PackageNames = Partial<Record<Manager, string>> & { readonly "apt-get": string };

/** How to install a package on this machine, in one line. */
export function installAdvice(names: PackageNames, managers: readonly Manager[] = presentManagers()): string {
  const manager = managers[0] ?? "apt-get";
  return `${MANAGERS[manager]} ${names[manager] ?? names["apt-get"]}`;
}

const presentManagers = (): Manager[] =>
  (Object.keys(MANAGERS) as Manager[]).filter(
    (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
  );
