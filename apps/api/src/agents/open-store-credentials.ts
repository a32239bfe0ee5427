import { SkeinError } from "@skein/errors";
import { openCredentialScoper, type Storage, storeOptions } from "@skein/storage";
import type { ApiConfig } from "../config.ts";
import { createStoreCredentials, type MakeStoreCredentials } from "./store-credentials.ts";

/** What makes credentials for single attempts, or undefined where no role for tasks is configured. */
export async function openStoreCredentials(
  config: ApiConfig,
  storage: Storage,
  closers: (() => void | Promise<void>)[],
): Promise<MakeStoreCredentials | undefined> {
  const { taskRoleArn: roleArn, taskRoleSeconds: secondsMax, s3Region: region } = config;
  if (roleArn === undefined) return undefined;
  if (!storage.rootUri.startsWith("s3://")) {
    throw new SkeinError(
      "invalid_argument",
      "task_role_without_s3",
      `SKEIN_TASK_ROLE_ARN is a role of AWS, and SKEIN_STORAGE=${storage.rootUri} is not in S3: remove one of them.`,
    );
  }
  const { credentials } = storeOptions(config).s3 ?? {};
  const scoper = await openCredentialScoper({
    roleArn,
    secondsMax,
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
  });
  closers.push(() => scoper.close());
  return createStoreCredentials(scoper, storage, config.taskReadablePrefixes);
}
