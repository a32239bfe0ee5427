import { expect, test } from "vitest";
import { sessionPolicy } from "./session-policy.ts";

const kms = {
  Effect: "Allow",
  Action: ["kms:Decrypt", "kms:GenerateDataKey"],
  Resource: "*",
  Condition: { StringLike: { "kms:ViaService": "s3.*" } },
};
const WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

test("a session reads and lists its folders, writes its own, and nothing else", () => {
  const policy = sessionPolicy({
    read: ["s3://b/skein/meta/p/d", "s3://b/skein/meta/p/d/run", "s3://datasets"],
    write: ["s3://b/skein/meta/p/d/run/n0/0"],
  });
  expect(JSON.parse(policy)).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: ["arn:aws:s3:::b/skein/meta/p/d/*", "arn:aws:s3:::datasets/*"],
      },
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::b",
        Condition: { StringLike: { "s3:prefix": ["skein/meta/p/d/*"] } },
      },
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::datasets",
        Condition: { StringLike: { "s3:prefix": ["*"] } },
      },
      { Effect: "Allow", Action: WRITE, Resource: ["arn:aws:s3:::b/skein/meta/p/d/run/n0/0/*"] },
      kms,
    ],
  });
});

test("a name is no pattern, and a partition of its own is kept to", () => {
  const policy = sessionPolicy({ read: [`s3://b/a*?$\{x}`], write: ["s3://b/w"] }, "aws-cn");
  expect(policy).toContain(`arn:aws-cn:s3:::b/a$\{*}$\{?}$\{$}{x}/*`);
});

test("what AWS would refuse for its length or place is refused with a reason", () => {
  const long = Array.from({ length: 40 }, (_, at) => `s3://bucket/${"x".repeat(40)}${at}`);
  expect(() => sessionPolicy({ read: long, write: [] })).toThrow(
    expect.objectContaining({ reason: "session_policy_too_long" }),
  );
  expect(() => sessionPolicy({ read: ["gs://b"], write: [] })).toThrow(
    expect.objectContaining({ reason: "not_in_s3" }),
  );
});
