import { openStorage, type Storage } from "@skein/storage";
import {
  type AdminClient,
  INSTALL_FAKE_GCS,
  openAdminClient,
  requireMoto,
  requireTool,
  startAzure,
  startGcs,
  startMoto,
  untilOver,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

type Variables = Readonly<Record<string, string>>;

interface OpenCloud {
  /** What Skein is told of the store, and what the people's own machine is. */
  readonly env: Variables;
  readonly clientEnv: Variables;
  open(): Promise<Storage>;
  /** What else must be true after a run. */
  check?(run: string): Promise<void>;
  close(): Promise<void>;
}

interface Cloud {
  readonly name: string;
  readonly flytekit: "1.16.31" | "1.16.31-stores";
  start(): Promise<OpenCloud>;
}

/** Tasks have no credentials but those that the api makes for each attempt. */
const S3_WITH_ROLE: Cloud = {
  name: "S3, with a role for tasks",
  flytekit: "1.16.31",
  start: async () => {
    const aws = await startMoto();
    const uri = "s3://skein-test/skein";
    const s3 = { endpoint: aws.endpoint, region: aws.region, credentials: aws };
    await fetch(`${aws.endpoint}/skein-test`, { method: "PUT", headers: { authorization: "AWS testing:x" } });
    return {
      env: {
        SKEIN_STORAGE: uri,
        SKEIN_S3_ENDPOINT: aws.endpoint,
        AWS_ENDPOINT_URL_STS: aws.endpoint,
        AWS_REGION: aws.region,
        AWS_ACCESS_KEY_ID: aws.accessKeyId,
        AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: "true",
        SKEIN_TASK_ROLE_ARN: "arn:aws:iam::123456789012:role/skein-tasks",
      },
      clientEnv: {},
      open: () => openStorage({ uri, s3 }),
      check: async (run) => {
        const sessions = (await aws.queries()).filter(({ Action }) => Action === "AssumeRole");
        const names = sessions.map(({ RoleSessionName = "" }) => RoleSessionName).sort();
        expect(names).toEqual(["n0", "n1", "n2"].map((action) => `skein-${run}-${action}`));
        const own = sessions.find(({ RoleSessionName }) => RoleSessionName === `skein-${run}-n0`)?.Policy ?? "";
        expect(own).toContain(`arn:aws:s3:::skein-test/skein/meta/flytesnacks/development/${run}/n0/0/*`);
      },
      close: aws.close,
    };
  },
};

const GOOGLE: Cloud = {
  name: "Google Cloud Storage",
  flytekit: "1.16.31-stores",
  start: async () => {
    const gcs = await startGcs();
    const uri = `gs://${gcs.bucket}/skein`;
    return {
      env: {
        SKEIN_STORAGE: uri,
        SKEIN_GCS_ENDPOINT: gcs.endpoint,
        SKEIN_GCS_PUBLIC_ENDPOINT: gcs.publicEndpoint,
        GOOGLE_APPLICATION_CREDENTIALS: gcs.keyFile,
      },
      clientEnv: {
        STORAGE_EMULATOR_HOST: gcs.endpoint,
        FSSPEC_GS_TOKEN: "anon",
        GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false",
      },
      open: () => openStorage({ uri, gcs: { endpoint: gcs.endpoint } }),
      close: gcs.close,
    };
  },
};

const AZURE: Cloud = {
  name: "Azure Blob Storage",
  flytekit: "1.16.31-stores",
  start: async () => {
    const azure = await startAzure();
    const uri = `abfs://${azure.container}/skein`;
    return {
      env: {
        SKEIN_STORAGE: uri,
        SKEIN_AZURE_ACCOUNT: azure.account,
        SKEIN_AZURE_ACCOUNT_KEY: azure.accountKey,
        SKEIN_AZURE_ENDPOINT: azure.endpoint,
        SKEIN_TASK_CREDENTIALS: "inherit",
      },
      clientEnv: {},
      open: () => openStorage({ uri, azure }),
      close: azure.close,
    };
  },
};

/** The libraries of the other two take a while to install and to load. */
const isFull = process.env.SKEIN_TEST_FULL === "true";
const clouds = isFull ? [S3_WITH_ROLE, GOOGLE, AZURE] : [S3_WITH_ROLE];
const haveServers =
  requireMoto() !== undefined && (!isFull || requireTool("fake-gcs-server", INSTALL_FAKE_GCS) !== undefined);
const available =
  haveServers && (await Promise.all(clouds.map(({ flytekit }) => haveClients(flytekit)))).every(Boolean);

describe.skipIf(!available).each(clouds)("$name", ({ flytekit, start }) => {
  let store: OpenCloud;
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    store = await start();
    const one = { apis: 1, schedulers: 1, agents: 1 };
    skein = await startSkein({ queue: "redis", storage: "file", flytekit, ...one, env: store.env });
    clients = await openFlyteClients(skein, "clients", store.clientEnv);
    admin = openAdminClient(skein.url);
    await clients.register("stores");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await store?.close();
  });

  test("code, files and folders of real tasks go through the store", { timeout: 240_000 }, async () => {
    const name = await clients.launch("stores.documents.publishing", { text: "one\ntwo\nthree" });
    const { closure } = await untilOver(admin, name, 200_000);
    expect(closure?.outputResult.case === "error" ? closure.outputResult.value.message : "").toBe("");
    expect(await outputsWhenOver(admin, name)).toEqual({ o0: "one|two|three" });
    const storage = await store.open();
    const found: string[] = [];
    for await (const { uri } of storage.list(storage.join("raw/flytesnacks/development"))) found.push(uri);
    storage.close();
    expect(found.filter((uri) => /document\.txt$/.test(uri))).toHaveLength(1);
    expect(found.filter((uri) => /[012]\.txt$/.test(uri))).toHaveLength(3);
    await store.check?.(name);
  });
});
