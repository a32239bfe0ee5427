import { closeSync, readdirSync, readFileSync } from "node:fs";

const CLOSE_ON_EXEC = 0o2000000;
const LAST_STANDARD_DESCRIPTOR = 2;

/**
 * Closes descriptors that whoever started us left open: they would reach every task. Node's own all close on exec; what
 * does not is not ours. Only for a process that is nothing but an agent, and before it opens anything.
 */
export function closeInheritedDescriptors(): void {
  for (const name of listDescriptors()) {
    const descriptor = Number(name);
    if (descriptor > LAST_STANDARD_DESCRIPTOR && !closesOnExec(descriptor)) closeQuietly(descriptor);
  }
}

/** Empty where there is no /proc: there nothing can be told apart. */
function listDescriptors(): string[] {
  try {
    return readdirSync("/proc/self/fd");
  } catch {
    return [];
  }
}

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
  } catch {
    return true;
  }
}

function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // It was the one that listed the folder.
  }
}
