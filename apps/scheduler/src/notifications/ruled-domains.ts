import { type Db, readRuledDomains } from "@skein/db";

interface Tenant {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
}

const keyOf = (...parts: string[]): string => parts.join("/");

/** Which projects have rules, in memory, so that a run that ends elsewhere costs nothing. */
export class RuledDomains {
  readonly #db: Db;
  #keys: ReadonlySet<string> = new Set();

  constructor(db: Db) {
    this.#db = db;
  }

  async refresh(): Promise<void> {
    const rows = await readRuledDomains(this.#db);
    this.#keys = new Set(rows.map(({ org, project, domain }) => keyOf(org, project, domain)));
  }

  has({ org, project, domain }: Tenant): boolean {
    if (this.#keys.size === 0) return false;
    return this.#keys.has(keyOf(org, project, domain)) || this.#keys.has(keyOf(org, project, ""));
  }
}
