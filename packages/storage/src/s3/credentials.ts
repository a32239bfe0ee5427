import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import type { S3Options } from "./options.ts";

/** Credentials that renew themselves, or undefined for the SDK's own search. */
export function s3Credentials({ credentials, role, region }: S3Options) {
  if (!role) return credentials;
  return fromTemporaryCredentials({
    params: {
      RoleArn: role.arn,
      RoleSessionName: "skein",
      ...(role.externalId !== undefined && { ExternalId: role.externalId }),
    },
    ...(credentials && { masterCredentials: credentials }),
    ...(region !== undefined && { clientConfig: { region } }),
  });
}
