import { type Db, findSecret } from "@skein/db";
import type { Keyring, SecretSource } from "@skein/secrets";

const VERSION = /^[1-9]\d{0,8}$/;

/** The secrets that people keep in our own database. A version that is no number of ours is no version here. */
export const storedSource = (db: Db, keyring: Keyring): SecretSource => ({
  name: "Skein's own store",
  async find({ version, ...name }) {
    if (version !== "" && !VERSION.test(version)) return undefined;
    const row = await findSecret(db, name, version === "" ? undefined : Number(version));
    return row && (await keyring.open(row, row));
  },
});
