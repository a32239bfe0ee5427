import { readdir, readFile } from "node:fs/promises";
import { z } from "zod";

/** A process that cannot be taken for a later one with the same number. */
export const ProcessIdentity = z.object({
  pid: z.int().min(1),
  /** Clock ticks since boot, from /proc; missing where there is no /proc. */
  startTime: z.string().optional(),
  bootId: z.string().optional(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** The boot of this machine; undefined where there is no /proc. */
export const readBootId = async (): Promise<string | undefined> =>
  (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined))?.trim();

/** The fields of `/proc/<pid>/stat` that follow the name, which may hold anything. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Field 22 of `/proc/<pid>/stat`. */
export const startTimeOf = (stat: string): string | undefined => statFields(stat)[19];

const hasEnded = (stat: string): boolean => ["Z", "X"].includes(statFields(stat)[0] ?? "");

export async function processIdentity(pid: number): Promise<ProcessIdentity> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const bootId = await readBootId();
  const startTime = stat === undefined ? undefined : startTimeOf(stat);
  return { pid, ...(startTime === undefined ? {} : { startTime }), ...(bootId === undefined ? {} : { bootId }) };
}

/** Whether this very process still runs. A zombie does not. */
export async function isAlive(identity: unknown): Promise<boolean> {
  const wanted = ProcessIdentity.safeParse(identity).data;
  if (wanted === undefined) return false;
  if (wanted.startTime === undefined) return canSignal(wanted.pid);
  if (wanted.bootId !== (await readBootId())) return false;
  const stat = await readFile(`/proc/${wanted.pid}/stat`, "utf8").catch(() => undefined);
  return stat !== undefined && startTimeOf(stat) === wanted.startTime && !hasEnded(stat);
}

function canSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Processes whose environment, as they were started, holds `entry`; also those that left their process group. */
export async function findProcesses(entry: string): Promise<{ pid: number; name: string }[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (!environment.split("\0").includes(entry)) return [];
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
      return [{ pid: Number(pid), name: name.trim() }];
    }),
  );
  return found.flat();
}
