import pg from "pg";

/** Makes one role and one database of its own for each entry (name → password), or sets the password of those that exist. */
export async function createDatabases(adminUrl: string, owners: Readonly<Record<string, string>>): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    for (const [name, password] of Object.entries(owners)) {
      const role = client.escapeIdentifier(name);
      const login = `login password ${client.escapeLiteral(password)}`;
      const hasRole = await client.query("select 1 from pg_roles where rolname = $1", [name]);
      await client.query(`${hasRole.rowCount ? "alter" : "create"} role ${role} ${login}`);
      const hasDatabase = await client.query("select 1 from pg_database where datname = $1", [name]);
      if (!hasDatabase.rowCount) await client.query(`create database ${role} owner ${role}`);
      // Every role may connect to every database unless told otherwise, and agents hold the queue's role.
      await client.query(`revoke all on database ${role} from public`);
    }
    await client.query("revoke all on database postgres from public");
  } finally {
    await client.end();
  }
}
