/** What a list shows of a secret. */
export interface ListedSecret {
  readonly project: string | null;
  readonly domain: string | null;
  readonly group: string | null;
  readonly key: string;
  readonly version: number;
  readonly createdBy: string;
  readonly createdAt: string;
}

const HEAD = ["PROJECT", "DOMAIN", "GROUP", "KEY", "VERSION", "SET BY", "SET AT"];

/** Names in columns; `*` stands for every project or domain. */
export function secretTable(secrets: readonly ListedSecret[]): string {
  if (secrets.length === 0) return "No secrets are kept here.";
  const rows = secrets.map(({ project, domain, group, key, version, createdBy, createdAt }) => [
    ...[project ?? "*", domain ?? "*", group ?? "", key, String(version), createdBy, createdAt],
  ]);
  const widths = HEAD.map((name, column) => Math.max(...[HEAD, ...rows].map((row) => (row[column] ?? name).length)));
  return [HEAD, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
