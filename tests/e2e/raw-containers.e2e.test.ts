import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type TaskCreateRequest, TaskCreateRequestSchema } from "@skein/idl/admin";
import {
  BlobType_BlobDimensionality,
  DataLoadingConfig_LiteralMapFormat,
  ExecutionError_ErrorKind,
  type LiteralTypeSchema,
  ResourceType,
  SimpleType,
  TypedInterfaceSchema,
  WorkflowExecution_Phase,
} from "@skein/idl/core";
import {
  type AdminClient,
  bindIntegers,
  bindTo,
  createTempFolder,
  integerInterface,
  launch,
  openAdminClient,
  outputsOf,
  register,
  requireTool,
  taskNode,
  testId,
  untilOver,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { haveDocker } from "./src/flytekit-image.ts";
import { attemptsOf, plainValues, type RunningSkein, type SkeinShape, startSkein } from "./src/index.ts";

const IMAGE = `skein-test-raw:v${process.pid}`;
const busybox = requireTool("busybox", "apt-get install busybox-static");
const canContain = (await haveDocker()) && busybox !== undefined;

const { SINGLE, MULTIPART } = BlobType_BlobDimensionality;
const INTEGER = { case: "simple" as const, value: SimpleType.INTEGER };
const FLOAT = { case: "simple" as const, value: SimpleType.FLOAT };
const STRING = { case: "simple" as const, value: SimpleType.STRING };
const LIST = { case: "collectionType" as const, value: { type: INTEGER } };
const blob = (dimensionality: BlobType_BlobDimensionality) => ({ case: "blob" as const, value: { dimensionality } });
type Types = Record<string, MessageInitShape<typeof LiteralTypeSchema>["type"]>;

/** A task whose program finds files in /in and leaves files in /out. */
function rawTask(name: string, inputs: Types, outputs: Types, format: "JSON" | "YAML", ...command: string[]) {
  const id = testId(ResourceType.TASK, name);
  const variables = (types: Types) => ({
    variables: Object.fromEntries(Object.entries(types).map(([key, type]) => [key, { type: { type } }])),
  });
  const dataConfig = {
    enabled: true,
    inputPath: "/in",
    outputPath: "/out",
    format: DataLoadingConfig_LiteralMapFormat[format],
  };
  const target = {
    case: "container",
    value: { image: IMAGE, command, env: [{ key: "PATH", value: "/bin:/usr/bin" }], dataConfig },
  };
  const io = create(TypedInterfaceSchema, {
    inputs: variables(inputs),
    outputs: variables(outputs),
  } as MessageInitShape<typeof TypedInterfaceSchema>);
  return create(TaskCreateRequestSchema, {
    id,
    spec: { template: { id, type: "raw-container", metadata: {}, interface: io, target } },
  } as MessageInitShape<typeof TaskCreateRequestSchema>);
}

const area = rawTask(
  "area",
  { a: FLOAT, b: FLOAT },
  { area: FLOAT, metadata: STRING },
  "JSON",
  ...["awk", "-v", "a_file=/in/a", "-v", "b_file=/in/b"],
  'BEGIN { getline a < a_file; getline b < b_file; printf "%.4f", 3.14159265358979 * a * b > "/out/area"; print "[from awk]" > "/out/metadata" }',
);
const make = rawTask(
  "make",
  { sizes: LIST },
  { report: blob(SINGLE), parts: blob(MULTIPART) },
  "YAML",
  ...["sh", "-c"],
  "cp /in/inputs.yaml /out/report.yaml && mkdir -p /out/parts/deep && for i in 0 1 2; do cp /in/sizes/$i /out/parts/$i; done && echo 40 >/out/parts/deep/last",
);
const read = rawTask(
  "read",
  { report: blob(SINGLE), parts: blob(MULTIPART) },
  { sum: INTEGER, text: STRING },
  "JSON",
  ...["sh", "-c"],
  'grep -q "/parts" /in/inputs.json && cat /in/report >/out/text && awk "{ s += \\$1 } END { print s }" /in/parts/[0-2] /in/parts/deep/last >/out/sum',
);
const failing = rawTask("failing", {}, { n: INTEGER }, "JSON", "sh", "-c", "echo out of luck >/out/_ERROR; exit 7");
const empty = rawTask("empty", {}, { n: INTEGER }, "JSON", "true");

const passOn = workflowOf(
  "pass_on",
  [
    taskNode("n0", make, [bindIntegers("sizes", [1, 2, 3])]),
    taskNode("n1", read, [bindTo("report", "n0", "report"), bindTo("parts", "n0", "parts")], ["n0"]),
  ],
  create(TypedInterfaceSchema, {
    outputs: { variables: { sum: { type: { type: INTEGER } }, text: { type: { type: STRING } } } },
  }),
  [bindTo("sum", "n1", "sum"), bindTo("text", "n1", "text")],
);
const single = (name: string, task: TaskCreateRequest) =>
  workflowOf(name, [taskNode("n0", task)], integerInterface([], ["n"]), [bindTo("n", "n0", "n")]);

/** busybox and the names of what the programs call, as an image. */
function importImage(): void {
  const folder = createTempFolder("raw-image");
  mkdirSync(join(folder.path, "bin"));
  copyFileSync(busybox ?? "", join(folder.path, "bin/busybox"));
  for (const name of ["sh", "awk", "cat", "cp", "grep", "mkdir", "true", "echo"])
    symlinkSync("busybox", join(folder.path, "bin", name));
  const tar = execFileSync("tar", ["-C", folder.path, "-c", "bin"], { maxBuffer: 64 * 1024 * 1024 });
  execFileSync("docker", ["import", "-", IMAGE], { input: tar, stdio: ["pipe", "ignore", "inherit"] });
  void folder.close();
}

type Place = Pick<SkeinShape, "runtime" | "storage" | "queue">;
/** Each runtime and each store once; the long suite adds the other pairs. */
const ALL_PLACES: readonly Place[] = [
  { runtime: "process", storage: "file", queue: "postgres" },
  { runtime: "docker", storage: "s3", queue: "redis" },
  { runtime: "process", storage: "s3", queue: "redis" },
  { runtime: "docker", storage: "file", queue: "postgres" },
];
const PLACES = ALL_PLACES.slice(0, process.env.SKEIN_TEST_FULL === "true" ? undefined : 2).filter(
  ({ runtime }) => canContain || runtime !== "docker",
);

describe.each(PLACES)("programs that know nothing of Flyte, as $runtime, files in $storage", (place) => {
  let skein: RunningSkein;
  let admin: AdminClient;

  beforeAll(async () => {
    if (place.runtime === "docker") importImage();
    const env = { SKEIN_DOCKER_NETWORK: "none" };
    skein = await startSkein({ ...place, apis: 1, schedulers: 1, agents: 1, agentSlots: 4, env });
    admin = openAdminClient(skein.url);
    const workflows = [passOn, single("failing", failing), single("empty", empty)];
    await register(admin, [area, make, read, failing, empty], workflows);
  });
  afterAll(async () => {
    await skein?.close();
    if (place.runtime === "docker") execFileSync("docker", ["rmi", "-f", IMAGE], { stdio: "ignore" });
  });

  test("C11.94-95 values, lists, files and folders go in and out", async () => {
    const float = (value: number) => ({
      value: {
        case: "scalar" as const,
        value: { value: { case: "primitive" as const, value: { value: { case: "floatValue" as const, value } } } },
      },
    });
    const { id } = await admin.createExecution({
      project: passOn.id?.project ?? "",
      domain: passOn.id?.domain ?? "",
      spec: { launchPlan: area.id ?? testId(ResourceType.TASK, "area"), metadata: { principal: "test" } },
      inputs: { literals: { a: float(3), b: float(5) } },
    });
    const [ofArea, ofPassing] = [id?.name ?? "", await launch(admin, "pass_on")];
    await Promise.all([ofArea, ofPassing].map((name) => untilOver(admin, name)));
    expect(plainValues(await outputsOf(admin, ofArea))).toEqual({ area: 47.1239, metadata: "[from awk]" });
    expect(plainValues(await outputsOf(admin, ofPassing)), skein.logs()).toEqual({
      sum: 46n,
      text: "sizes:\n- 1\n- 2\n- 3",
    });
  });

  test("C11.95 _ERROR is the program's own failure, and a missing output is named", async () => {
    const [failed, missing] = await Promise.all([launch(admin, "failing"), launch(admin, "empty")]);
    const ended = await Promise.all([untilOver(admin, failed), untilOver(admin, missing)]);
    expect(ended.map(({ closure }) => closure?.phase)).toEqual(Array(2).fill(WorkflowExecution_Phase.FAILED));
    const [ofFailed, ofMissing] = [await attemptsOf(admin, failed, "n0"), await attemptsOf(admin, missing, "n0")];
    expect(ofFailed.map(({ error }) => error)).toMatchObject([
      { code: "UserError", message: "out of luck\n", kind: ExecutionError_ErrorKind.USER },
    ]);
    expect(ofMissing.map(({ error }) => error)).toMatchObject([
      {
        code: "OutputUploadFailed",
        message: "The output n is missing: there is no such file",
        kind: ExecutionError_ErrorKind.USER,
      },
    ]);
  });
});
