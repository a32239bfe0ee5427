/** A TypeScript file as the rules see it. */
export interface SourceFile {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
}

export interface Import {
  readonly from: string;
  readonly line: number;
  readonly isTypeOnly: boolean;
  /** `export … from`. */
  readonly isReExport: boolean;
}

export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A rule of our style: everything in one file that breaks it. */
export type Rule = (file: SourceFile) => Problem[];

const IMPORT = /^(?:\}|import|export)?.*?\b(?:from\s+|import\s*\(?\s*)"([^"]+)"/;

export function readSource(path: string, text: string): SourceFile {
  const lines = text.split("\n");
  const imports: Import[] = [];
  let statement = "";
  for (const [index, line] of lines.entries()) {
    if (/^(import|export)\b/.test(line)) statement = line;
    const from = /^(?!\s*(\/\/|\*|\/\*))/.test(line) ? IMPORT.exec(line)?.[1] : undefined;
    if (from === undefined) continue;
    const isStatement = /^(import|export|\})/.test(line);
    const isTypeOnly = isStatement && /^(import|export) type\b/.test(statement);
    imports.push({ from, line: index + 1, isTypeOnly, isReExport: isStatement && statement.startsWith("export") });
  }
  return { path, lines, imports };
}

/** Tests, their suites (`x.testsuite.ts`) and what only they use (`test-x.ts`, a folder `testing`). */
export const isTest = (path: string): boolean =>
  /(\.(test|testsuite)|\/test-[a-z0-9-]+)\.ts$/.test(path) ||
  path.startsWith("tests/") ||
  /\/(test|testing)\//.test(path);
