import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startLeashed } from "./leashed-process.ts";
import { findTool, INSTALL_VERSITYGW } from "./require-tool.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait-for.ts";

export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  close(): Promise<void>;
}

/** Starts an S3 server (`versitygw` over a temporary folder) with one bucket. Check `requireTool("versitygw", …)` first. */
export async function startS3(): Promise<TestS3> {
  const server = findTool("versitygw");
  if (server === undefined) throw new Error(`versitygw is missing: ${INSTALL_VERSITYGW}`);
  const folder = createTempFolder("s3");
  const bucket = "skein-test";
  const buckets = join(folder.path, "buckets");
  mkdirSync(join(buckets, bucket), { recursive: true });
  const port = await freePort();
  const access = { accessKeyId: "skein-test", secretAccessKey: "skein-test-secret" };
  const running = await startLeashed(server, ["--port", `127.0.0.1:${port}`, "posix", buckets], {
    env: { ...process.env, ROOT_ACCESS_KEY: access.accessKeyId, ROOT_SECRET_KEY: access.secretAccessKey },
    logFile: join(folder.path, "versitygw.log"),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(endpoint)).status > 0, { what: "versitygw to answer" });
  return {
    endpoint,
    bucket,
    region: "us-east-1",
    ...access,
    close: async () => {
      await running.close("SIGKILL");
      await folder.close();
    },
  };
}
