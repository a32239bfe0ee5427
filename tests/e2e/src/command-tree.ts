import type { CommandResult } from "./command.ts";

type Run = (...args: string[]) => Promise<CommandResult>;

const AT_ONCE = 6;

/** What a help page lists below itself. */
function subcommandsOf(help: string): string[] {
  const [, listed = ""] = /^Available Commands:\n([\s\S]*?)\n\n/m.exec(help) ?? [];
  return listed.split("\n").flatMap((line) => /^ {2}([a-z][\w-]*)/.exec(line)?.[1] ?? []);
}

/** Every command of a program that does something, found in its help pages: `get execution`, `version` … */
export async function leafCommands(run: Run): Promise<string[]> {
  const leaves: string[] = [];
  let level: string[][] = [[]];
  while (level.length > 0) {
    const next: string[][] = [];
    for (const paths of inChunks(level, AT_ONCE)) {
      const pages = await Promise.all(
        paths.map(async (path) => ({ path, help: (await run(...path, "--help")).stdout })),
      );
      for (const { path, help } of pages) {
        const below = subcommandsOf(help);
        if (below.length === 0) leaves.push(path.join(" "));
        next.push(...below.map((name) => [...path, name]));
      }
    }
    level = next;
  }
  return leaves.sort();
}

const inChunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

/** Ends of commands that a person must never see: nothing of the request explains them. */
const UNEXPECTED = /\b(Unimplemented|Internal|Unknown|DataLoss|Unauthenticated)\b desc|panic:|goroutine \d|nil pointer/;

export const isUnexpected = (output: string): boolean => UNEXPECTED.test(output);

/** How a command ended: `ok`, or the refusal in one line, without what differs from run to run. */
export function outcomeOf(
  { code, output }: CommandResult,
  masks: readonly (readonly [string | RegExp, string])[],
): string {
  if (code === 0 && !/^Error: /m.test(output)) return "ok";
  const refusal =
    /rpc error: code = \w+ desc = .*/.exec(output)?.[0] ?? /^Error: .*/m.exec(output)?.[0] ?? output.trim();
  const line = refusal.replace(/\s+/g, " ").slice(0, 300);
  return `${code === 0 ? "ok, but " : ""}${masks.reduce((text, [from, to]) => text.replaceAll(from, to), line)}`;
}
