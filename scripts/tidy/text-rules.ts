import { basename } from "node:path";
import { isTest, type Problem, type Rule } from "./source-file.ts";

const FILE_LINES_MAX = 400;
const TEST_FILE_LINES_MAX = 600;

const fileIsShort: Rule = ({ path, lines }) => {
  const max = isTest(path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX;
  const count = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  return count > max
    ? [{ path, line: max, message: `${count} lines; the limit is ${max}: split it by what it does` }]
    : [];
};

const nameIsPlain: Rule = ({ path }) => {
  const parts = path.replace(/\.(ts|mts)$/, "").split("/");
  const vague = parts.find((part) => /^(utils?|commons?|helpers?|managers?|misc)$/.test(part));
  const problem = (message: string): Problem[] => [{ path, line: 1, message }];
  if (vague) return problem(`"${vague}" says nothing: name it after what it holds`);
  const isKebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(basename(path));
  return isKebab ? [] : problem("file names are kebab-case");
};

/** Flyte 1's words stay where Flyte 1 is spoken, BullMQ's in the queue. */
const FOREIGN_WORD_HOMES = [
  "packages/idl/",
  "packages/queue/",
  "packages/testing/",
  "apps/api/src/flyte1/",
  "apps/api/src/data-proxy/",
  "apps/api/src/edge/",
  "apps/api/src/permissions",
  "apps/api/src/auth/",
  "apps/cli/",
  "scripts/",
  "tests/",
];

const wordsAreOurs: Rule = ({ path, lines }) => {
  if (FOREIGN_WORD_HOMES.some((home) => path.startsWith(home)) || isTest(path)) return [];
  return lines.flatMap((line, index) => {
    const name = /^export (?:async )?(?:const|function|class|interface|type) (\w+)/.exec(line)?.[1] ?? "";
    const isForeign = /(^|[a-z])(execution|job)s?($|[A-Z])/i.test(name) && !/Flyte1|Flyteidl/.test(name);
    const message = `"${name}": our words are run, action, attempt, order`;
    return isForeign ? [{ path, line: index + 1, message }] : [];
  });
};

interface Pattern {
  readonly pattern: RegExp;
  readonly message: string;
  readonly applies?: (path: string) => boolean;
}

const readsEnvironment = (path: string): boolean =>
  path === "vitest.config.ts" ||
  path.startsWith("packages/config/") ||
  /^apps\/[^/]+\/src\/(config|main)\.ts$/.test(path) ||
  /^(scripts|tests|deploy|packages\/testing)\//.test(path) ||
  isTest(path);

/** The marks are put together from halves so that this file does not find itself. */
const MARKS = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);

const PATTERNS: readonly Pattern[] = [
  { pattern: MARKS, message: "leftover mark: do it, or write it down outside the code" },
  { pattern: /^\s*debugger;?$/, message: "leftover debugger statement" },
  { pattern: /\b(test|describe|it)\.only\(/, message: "a test that silences all others" },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, message: "the type checker is right until proven wrong" },
  {
    pattern: /\bconsole\.(log|debug)\(/,
    message: "use the logger of @skein/telemetry",
    applies: (path) => /^(apps|packages)\/[^/]+\/src\//.test(path) && !path.startsWith("apps/cli/") && !isTest(path),
  },
  {
    pattern: /\bprocess\.env\b/,
    message: "read the environment in config.ts or main.ts and pass values down",
    applies: (path) => !readsEnvironment(path),
  },
  {
    pattern: /^\s*(?:\/\/|\*|\/\*\*).*\b(now uses|previously|used to be|was renamed|refactored)\b/i,
    message: "comments tell the rule of today; git tells the history",
  },
  { pattern: /^\s*\/\/\s*[-=*#]{3,}/, message: "section banner: split the file instead" },
  {
    pattern: /await new Promise(<\w+>)?\(\(?\w+\)? => setTimeout\(\w+, [\w.]+\)\)/,
    message: "a test waits for a condition, never for a time",
    applies: (path) => /\.test\.ts$/.test(path),
  },
];

const textIsClean: Rule = ({ path, lines }) =>
  lines.flatMap((line, index) =>
    PATTERNS.filter(({ pattern, applies }) => (applies?.(path) ?? true) && pattern.test(line)).map(({ message }) => ({
      path,
      line: index + 1,
      message,
    })),
  );

const CODE_IN_COMMENT =
  /^\s*\/\/\s*(?:(?:const|let|import|export|return|await|throw)\b.*;|(?:if|for|while)\s*\(.*\)\s*\{|\}\s*(?:else\b.*)?|[\w.]+\(.*\);)\s*$/;

const commentsAreProse: Rule = ({ path, lines }) =>
  lines.flatMap((line, index) =>
    CODE_IN_COMMENT.test(line) ? [{ path, line: index + 1, message: "commented-out code: delete it" }] : [],
  );

export const TEXT_RULES: readonly Rule[] = [fileIsShort, nameIsPlain, wordsAreOurs, textIsClean, commentsAreProse];
