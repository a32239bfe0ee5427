import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { SkeinError } from "@skein/errors";
import type { S3Keys } from "./options.ts";
import { type StoreRights, sessionPolicy } from "./session-policy.ts";

export interface ScoperOptions {
  readonly roleArn: string;
  /** Of a session, at most; the role has a limit of its own. */
  readonly secondsMax: number;
  readonly region?: string;
  /** Of whoever takes on the role; the SDK's own search unless given. */
  readonly credentials?: S3Keys;
}

export interface ScopedCredentials extends Required<S3Keys> {
  readonly expiresAtMs: number;
}

/** Makes credentials that reach no further than told. */
export interface CredentialScoper {
  /** `name` shows up in AWS's audit log. `secondsMin` is for how long they are needed, where that is known. */
  scope(name: string, rights: StoreRights, secondsMin?: number): Promise<ScopedCredentials>;
  close(): void;
}

/** AWS gives no shorter session. */
const SECONDS_MIN = 900;

/** Takes on a role of AWS, narrowed by a policy for each session. */
export function openScoper({ roleArn, secondsMax, region, credentials }: ScoperOptions): CredentialScoper {
  const sts = new STSClient({ ...(region !== undefined && { region }), ...(credentials && { credentials }) });
  const partition = roleArn.split(":")[1] ?? "aws";
  return {
    async scope(name, rights, secondsMin = secondsMax) {
      const command = new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: name.replace(/[^\w+=,.@-]/g, "-").slice(0, 64),
        Policy: sessionPolicy(rights, partition),
        DurationSeconds: Math.min(Math.max(secondsMin, SECONDS_MIN), secondsMax),
      });
      const { Credentials } = await sts.send(command).catch((error: unknown) => {
        throw refused(roleArn, error);
      });
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
        throw refused(roleArn, new Error("the answer holds no credentials"));
      }
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiresAtMs: Expiration.getTime(),
      };
    },
    close: () => sts.destroy(),
  };
}

function refused(roleArn: string, cause: unknown): SkeinError {
  const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new SkeinError(
    "unavailable",
    "task_role_unavailable",
    `No credentials for tasks: role ${roleArn} cannot be taken on (${said}). Check SKEIN_TASK_ROLE_ARN, who the role trusts, and that SKEIN_TASK_ROLE_SECONDS is no more than its limit, which is 3600 where the server itself is a role.`,
    { cause },
  );
}
