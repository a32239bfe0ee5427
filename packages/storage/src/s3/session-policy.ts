import { SkeinError } from "@skein/errors";

/** Folders of object stores, `s3://bucket/folder` without a trailing slash, and what may be done below them. */
export interface StoreRights {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** What AWS takes at most, in characters. */
const POLICY_LENGTH_MAX = 2_048;
const READ = ["s3:GetObject"];
const WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/**
 * The policy that narrows a role of AWS to `rights`: it gives nothing that the role itself does not have. Whoever reads
 * a folder may list it too, so that an object that is not there is not found instead of forbidden.
 */
export function sessionPolicy(rights: StoreRights, partition = "aws"): string {
  const read = withoutCovered(rights.read).map(placeOf);
  const write = withoutCovered(rights.write).map(placeOf);
  const objects = ({ bucket, prefix }: Place) => `arn:${partition}:s3:::${bucket}/${prefix}*`;
  const lists = [...Map.groupBy(read, ({ bucket }) => bucket)].map(([bucket, places]) => ({
    Effect: "Allow",
    Action: "s3:ListBucket",
    Resource: `arn:${partition}:s3:::${bucket}`,
    Condition: { StringLike: { "s3:prefix": places.map(({ prefix }) => `${prefix}*`) } },
  }));
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: READ, Resource: read.map(objects) },
      ...lists,
      { Effect: "Allow", Action: WRITE, Resource: write.map(objects) },
      // A bucket may be encrypted with a key of its owner's; the role says which.
      {
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: "*",
        Condition: { StringLike: { "kms:ViaService": "s3.*" } },
      },
    ],
  });
  if (policy.length <= POLICY_LENGTH_MAX) return policy;
  throw new SkeinError(
    "failed_precondition",
    "session_policy_too_long",
    `The rights of one task take ${policy.length} characters, and AWS allows ${POLICY_LENGTH_MAX}: shorten SKEIN_STORAGE or SKEIN_TASK_READABLE_PREFIXES.`,
  );
}

interface Place {
  readonly bucket: string;
  /** Empty, or with a slash at its end; in the words of a policy. */
  readonly prefix: string;
}

function placeOf(uri: string): Place {
  const [, bucket, folder = ""] = /^s3:\/\/([^/]+)(?:\/(.+))?$/.exec(uri) ?? [];
  if (bucket === undefined) {
    throw new SkeinError("invalid_argument", "not_in_s3", `A role of AWS cannot reach ${JSON.stringify(uri)}.`);
  }
  return { bucket, prefix: folder === "" ? "" : `${escaped(folder)}/` };
}

/** Users choose some of these names, and must not choose a pattern. */
const escaped = (text: string): string => text.replace(/[*?$]/g, (character) => `\${${character}}`);

const withoutCovered = (uris: readonly string[]): string[] =>
  [...new Set(uris)].filter((uri) => !uris.some((other) => uri.startsWith(`${other}/`)));
