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
  const foreign = [storage.rootUri, ...config.rawOutputPrefixes, ...config.taskReadablePrefixes].find(
    (uri) => !uri.startsWith("s3://"),
  );
  if (foreign !== undefined) {
    throw new SkeinError(
      "invalid_argument",
      "task_role_without_s3",
      `SKEIN_TASK_ROLE_ARN is a role of AWS, and ${foreign} is not in S3: remove the role, or correct SKEIN_STORAGE, SKEIN_RAW_OUTPUT_PREFIXES or SKEIN_TASK_READABLE_PREFIXES.`,
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
