export { startAzure, type TestAzure } from "./azure.ts";
export { createCertificates, INSTALL_OPENSSL, type TestCertificates } from "./certificates.ts";
export {
  type AdminClient,
  integerInputs,
  launch,
  openAdminClient,
  openSignalClient,
  outputsOf,
  register,
  type SignalClient,
  untilOver,
} from "./flyte/admin-client.ts";
export {
  branchOf,
  cachedTask,
  futuresOf,
  launchPlanNode,
  type MapOptions,
  mapOf,
  mapWorkflowOf,
  type PlaceOptions,
  signalOf,
  sleepOf,
  subWorkflowNode,
  whenInput,
  withFailureNode,
  withSubWorkflow,
} from "./flyte/control-flow-specs.ts";
export {
  bindInteger,
  bindIntegers,
  bindTo,
  type CommandTaskOptions,
  chainOf,
  commandTask,
  echoTask,
  fanOf,
  integerInterface,
  integerScalar,
  launchPlanOf,
  listInterface,
  TEST_TENANT,
  taskNode,
  testId,
  workflowOf,
} from "./flyte/specs.ts";
export { freePort } from "./free-port.ts";
export { startGcs, type TestGcs } from "./gcs.ts";
export {
  BUSYBOX_IMAGE,
  type OwnKubernetes,
  requireKubernetes,
  startKubernetes,
  startOwnKubernetes,
  type TestKubernetes,
  type TestNamespace,
} from "./kubernetes.ts";
export { type LeashedProcess, startLeashed } from "./leashed-process.ts";
export { explainList, listCases } from "./list-cases.ts";
export { type MailSink, type SunkMail, startMailSink } from "./mail-sink.ts";
export { INSTALL_MOTO, requireMoto, startMoto, type TestAws } from "./moto.ts";
export { startPostgres, type TestPostgres } from "./postgres-server.ts";
export { startRedis, type TestRedis } from "./redis.ts";
export {
  findTool,
  INSTALL_FAKE_GCS,
  INSTALL_REDIS,
  INSTALL_VERSITYGW,
  requireTool,
} from "./require-tool.ts";
export { insertLaunchPlan, insertProject, insertRow, insertRun, insertTask, insertWorkflow } from "./row-factories.ts";
export { startS3, type TestS3 } from "./s3.ts";
export { dumpSchema } from "./schema-dump.ts";
export { type SeededRuns, seedRuns } from "./seed-runs.ts";
export { type SeededRandom, seededRandom } from "./seeded-random.ts";
export { createTempFolder } from "./temp-folder.ts";
export { createTestDatabase, offerTemplate, type TestDatabase } from "./test-database.ts";
export { type WaitOptions, waitFor } from "./wait-for.ts";
export { type SinkAnswer, type SunkCall, startWebhookSink, type WebhookSink } from "./webhook-sink.ts";
