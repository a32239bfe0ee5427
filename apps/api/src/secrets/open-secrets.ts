import { readFileSync } from "node:fs";
import type { Environment } from "@skein/config";
import type { Db } from "@skein/db";
import { SkeinError } from "@skein/errors";
import {
  type Keyring,
  keyring,
  kmsKey,
  type MasterKey,
  openSources,
  readLocalKeys,
  type SecretSource,
} from "@skein/secrets";
import type { ApiConfig } from "../config.ts";
import { storedSource } from "./stored-source.ts";

export interface Secrets {
  readonly keyring: Keyring;
  /** Where claims look for what tasks ask for. */
  readonly source: SecretSource;
}

/** The master keys and sources that the configuration names. */
export function openSecrets(config: ApiConfig, db: Db, environment: Environment): Secrets {
  const keys = keyring(masterKeys(config));
  const options = { environment, stored: storedSource(db, keys), awsNames: config.secretsAwsNames };
  return { keyring: keys, source: openSources(config.secretsSources, options) };
}

/** New values go under KMS where there is a key for it, else under the first of the server's own. */
function masterKeys({ secretsKeys, secretsKeyFile, secretsKmsKey }: ApiConfig): MasterKey[] {
  return [
    ...(secretsKmsKey === undefined ? [] : [kmsKey(secretsKmsKey)]),
    ...readLocalKeys(secretsKeys ?? ""),
    ...(secretsKeyFile === undefined ? [] : readLocalKeys(readKeyFile(secretsKeyFile))),
  ];
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `SKEIN_SECRETS_KEY_FILE cannot be read: ${(cause as Error).message}`;
    throw new SkeinError("invalid_argument", "secret_keys_invalid", message, { cause });
  }
}
