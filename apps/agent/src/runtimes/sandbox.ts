import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ATTEMPT_VARIABLE, type Launch } from "./runtime.ts";

const run = promisify(execFile);

/** How bubblewrap isolates tasks on this machine. */
export interface Sandbox {
  readonly program: string;
  /** Folders that tasks see empty. */
  readonly hidden: readonly string[];
  /** Folders that stay readable although they lie in a hidden one: where a task's programs are. */
  readonly programs: readonly string[];
}

/** The network is the host's; processes, /proc, /tmp and every file outside the attempt are not. */
const NAMESPACES = ["--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL"];
const ROOT = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
/** Sockets of daemons (Docker's above all) live in /run; the resolver's file must stay. */
const RESOLVER_FOLDERS = ["/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"];
/** Of the account that the agent runs as: keys and credentials of a person's tools. */
const CREDENTIAL_FOLDERS = [".aws", ".azure", ".config", ".docker", ".gnupg", ".kube", ".ssh"];

/** Undefined when bubblewrap is missing or may not make namespaces here; `problem` then says why. */
export async function openSandbox(
  hidden: readonly string[],
  programs: readonly string[],
): Promise<{ sandbox?: Sandbox; problem?: string }> {
  const program = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"].find(existsSync);
  if (program === undefined) return { problem: "bwrap is not installed (apt-get install bubblewrap)" };
  try {
    await run(program, [...NAMESPACES, ...ROOT, "--tmpfs", "/run", "--", "true"], { env: {}, timeout: 10_000 });
  } catch (error) {
    return { problem: `bwrap does not work here: ${(error as Error).message.trim()}` };
  }
  return { sandbox: { program, hidden, programs } };
}

/** The folders to hide for an agent that runs as the owner of `personalFolder`. */
export const credentialFolders = (personalFolder: string): string[] =>
  CREDENTIAL_FOLDERS.map((name) => join(personalFolder, name));

/** Later mounts lie on top of earlier ones: first everything read-only, then the holes, then the attempt's own. */
export function sandboxArguments(sandbox: Sandbox, launch: Launch): string[] {
  const { folder } = launch;
  const hidden = sandbox.hidden.filter(existsSync).map((path) => realpathSync(path));
  const environment = { ...launch.environment, [ATTEMPT_VARIABLE]: folder.key };
  return [
    ...NAMESPACES,
    ...ROOT,
    ...["/run", ...hidden].flatMap((path) => ["--tmpfs", path]),
    ...RESOLVER_FOLDERS.filter(existsSync).flatMap((path) => ["--ro-bind", path, path]),
    ...["--bind", folder.tmp, "/tmp"],
    ...[...sandbox.programs, ...launch.readable, folder.in]
      .filter(existsSync)
      .flatMap((path) => readOnly(path, hidden)),
    ...[...launch.writable, folder.out, folder.work, folder.tmp].flatMap((path) => ["--bind", path, path]),
    ...["--chdir", folder.work, "--clearenv"],
    ...Object.entries(environment).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
}

/** A mount cannot lie on a symbolic link: its target is mounted, and a link that a hole swallowed is made again. */
function readOnly(path: string, hidden: readonly string[]): string[] {
  const target = realpathSync(path);
  const isSwallowed = target !== path && hidden.some((hole) => path.startsWith(`${hole}/`));
  return ["--ro-bind", target, target, ...(isSwallowed ? ["--symlink", target, path] : [])];
}
