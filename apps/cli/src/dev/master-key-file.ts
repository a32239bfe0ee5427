import { randomBytes } from "node:crypto";
import { existsSync, linkSync, rmSync, writeFileSync } from "node:fs";
import type { Environment } from "@skein/config";
import type { Home } from "./home.ts";

const VARIABLES = ["SKEIN_SECRETS_KEYS", "SKEIN_SECRETS_KEY_FILE", "SKEIN_SECRETS_KMS_KEY"];
const KEY_BYTES = 32;

/** Whether the user brought a master key for secrets. */
export const hasMasterKey = (environment: Environment): boolean => VARIABLES.some((name) => environment[name]);

/** The file with the master key of this home, made at the first start. Without it the secrets kept here are lost. */
export function masterKeyFile(home: Pick<Home, "file">): string {
  const path = home.file("secrets-keys");
  if (existsSync(path)) return path;
  const made = `${path}.new`;
  rmSync(made, { force: true });
  writeFileSync(made, `dev:${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flush: true });
  // Whole or not there: half a key would be none.
  linkSync(made, path);
  rmSync(made);
  return path;
}
