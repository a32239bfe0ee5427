import { openCredentialScoper, openStorage } from "@skein/storage";
import { requireMoto, startMoto } from "@skein/testing";
import { expect, test } from "vitest";
import { createStoreCredentials } from "./store-credentials.ts";

const hasMoto = requireMoto() !== undefined;

test.skipIf(!hasMoto)("an attempt reads its project's data and writes its own, for as long as it may run", async () => {
  const aws = await startMoto();
  process.env.AWS_ENDPOINT_URL_STS = aws.endpoint;
  const storage = await openStorage({ uri: "s3://bucket/skein", s3: { endpoint: aws.endpoint, credentials: aws } });
  const roleArn = "arn:aws:iam::123456789012:role/skein-tasks";
  const scoper = await openCredentialScoper({ roleArn, secondsMax: 7_200, region: aws.region, credentials: aws });
  try {
    const make = createStoreCredentials(scoper, storage, ["s3://datasets"]);
    const places = {
      project: "p",
      domain: "d",
      runName: "run",
      actionName: "n0",
      outputPrefix: storage.join("meta/p/d/run/n0/1"),
      rawOutputPrefix: "s3://team/raw/ab/run-n0-1",
      previousCheckpointPrefix: "s3://team/raw/cd/run-n0-0/_flytecheckpoints",
      timeoutMs: 600_000,
    };
    const made = await make(places, { project: "library", domain: "d" });
    expect(made).toMatchObject({ accessKeyId: expect.any(String), sessionToken: expect.any(String) });
    await make({ ...places, timeoutMs: 0 }, places);
    const [timed, untimed] = (await aws.queries()).filter(({ Action }) => Action === "AssumeRole");
    expect(timed).toMatchObject({ RoleArn: roleArn, RoleSessionName: "skein-run-n0", DurationSeconds: "2400" });
    expect(untimed).toMatchObject({ DurationSeconds: "7200" });
    const [read, ownBucket, teamBucket, datasets, write] = JSON.parse(timed?.Policy ?? "").Statement;
    expect(read.Resource).toEqual([
      "arn:aws:s3:::bucket/skein/meta/p/d/*",
      "arn:aws:s3:::bucket/skein/raw/p/d/*",
      "arn:aws:s3:::bucket/skein/uploads/p/d/*",
      "arn:aws:s3:::bucket/skein/uploads/library/d/*",
      "arn:aws:s3:::team/raw/ab/run-n0-1/*",
      "arn:aws:s3:::team/raw/cd/run-n0-0/_flytecheckpoints/*",
      "arn:aws:s3:::datasets/*",
    ]);
    expect([ownBucket, teamBucket, datasets].map(({ Resource }) => Resource)).toEqual([
      "arn:aws:s3:::bucket",
      "arn:aws:s3:::team",
      "arn:aws:s3:::datasets",
    ]);
    expect(write.Resource).toEqual([
      "arn:aws:s3:::bucket/skein/meta/p/d/run/n0/1/*",
      "arn:aws:s3:::team/raw/ab/run-n0-1/*",
    ]);
  } finally {
    delete process.env.AWS_ENDPOINT_URL_STS;
    scoper.close();
    storage.close();
    await aws.close();
  }
});
