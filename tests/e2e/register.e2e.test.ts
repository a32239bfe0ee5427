import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ResourceType, SimpleType } from "@skein/idl/core";
import { DataProxyService } from "@skein/idl/service";
import {
  type AdminClient,
  bindTo,
  echoTask,
  integerInterface,
  openAdminClient,
  TEST_TENANT,
  taskNode,
  testId,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const TENANT = ["-p", "flytesnacks", "-d", "development"];

const PAIRS = backingsOfLongSuite({ queue: "postgres", storage: "file" });

describe.skipIf(!available).each(PAIRS)("registering, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 0 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });
  const register = (...args: string[]) => clients.pyflyte("register", ...TENANT, ...args);

  test("C2.9 pyflyte register registers a task, a workflow and its launch plan", async () => {
    const { code, output } = await register("--destination-dir", ".", "--version", "v1", "greetings.py");
    expect(output).toContain("Successfully registered 3 entities");
    expect(code).toBe(0);
  });

  test("C2.10 storage refuses an upload whose content is not what was announced", async () => {
    const proxy = createClient(DataProxyService, createGrpcTransport({ baseUrl: skein.url }));
    const announced = createHash("md5").update("what was announced").digest();
    const location = await proxy.createUploadLocation({
      project: TEST_TENANT.project,
      domain: TEST_TENANT.domain,
      filename: "code.tar.gz",
      contentMd5: announced,
      addContentMd5Metadata: true,
    });
    const put = (body: string) =>
      fetch(location.signedUrl, {
        method: "PUT",
        body,
        headers: { ...location.headers, "Content-MD5": announced.toString("base64") },
      });
    expect((await put("something else")).ok).toBe(false);
    const link = await proxy.createDownloadLocation({ nativeUrl: location.nativeUrl });
    expect((await fetch(link.signedUrl)).ok).toBe(false);
    expect((await put("what was announced")).ok).toBe(true);
    expect(await (await fetch(link.signedUrl)).text()).toBe("what was announced");
  });

  test("C2.11 registering the same version again is all green", async () => {
    const again = () => register("--destination-dir", ".", "--version", "v11", "greetings.py");
    await again();
    const { code, output } = await again();
    expect(output).toContain("Successfully registered 3 entities");
    expect(code).toBe(0);
  });

  test("C2.12 the same version with another signature is refused, with the difference", async () => {
    await register("--version", "v12", "greetings.py");
    const edited = join(clients.folder, "edited");
    mkdirSync(edited, { recursive: true });
    const source = readFileSync(join(clients.workflows, "greetings.py"), "utf8");
    writeFileSync(join(edited, "greetings.py"), source.replace("say(name: str)", "say(name: str, times: int = 1)"));
    const { code, output } = await register("--version", "v12", join(edited, "greetings.py"));
    expect(output).toContain("different structure");
    expect(output).toContain("times");
    expect(code).toBe(1);
  });

  test("C2.13 a whole package registers at once", async () => {
    const modules = ["greetings", "plans", "failures", "sleepers"];
    mkdirSync(join(clients.workflows, "whole"));
    writeFileSync(join(clients.workflows, "whole", "__init__.py"), "");
    for (const name of modules) {
      cpSync(join(clients.workflows, `${name}.py`), join(clients.workflows, "whole", `${name}.py`));
    }
    const { code, output } = await register("--version", "v13", "whole");
    expect(code, output).toBe(0);
    const { entities } = await admin.listWorkflowIds({ ...TEST_TENANT, limit: 100 });
    expect(entities.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "whole.greetings.hello",
        "whole.plans.product",
        "whole.failures.killed",
        "whole.sleepers.napping",
      ]),
    );
  });

  test("C2.14 --activate-launchplans makes the registered version the active one", async () => {
    const { output } = await register("--activate-launchplans", "--version", "v14", "greetings.py");
    expect(output).toContain("(Activated)");
    const active = await admin.getActiveLaunchPlan({ id: { ...TEST_TENANT, name: "greetings.hello" } });
    expect(active.id?.version).toBe("v14");
  });

  test("C2.15 without fast registration nothing is uploaded", async () => {
    const { code, output } = await register("--copy", "none", "--version", "v15", "--image", "x:y", "greetings.py");
    expect(code, output).toBe(0);
    const task = await admin.getTask({ id: testId(ResourceType.TASK, "greetings.say", "v15") });
    const target = task.closure?.compiledTask?.template?.target;
    expect(target?.case === "container" && target.value.args[0]).toBe("pyflyte-execute");
    expect(target?.case === "container" && target.value.image).toBe("x:y");
  });

  test("C2.16 flytectl registers a package, and again", async () => {
    const only = join(clients.folder, "packaged");
    mkdirSync(only, { recursive: true });
    cpSync(join(clients.workflows, "greetings.py"), join(clients.workflows, "packaged", "greetings.py"));
    writeFileSync(join(clients.workflows, "packaged", "__init__.py"), "");
    const file = join(only, "pkg.tgz");
    const made = await clients.pyflyte(
      ...["--pkgs", "packaged", "package", "--fast", "--image", "x:y", "-f", "-o", file],
    );
    expect(made.code, made.output).toBe(0);
    const registerFiles = () => clients.flytectl("register", "files", file, "--archive", "--version", "v16");
    const first = await registerFiles();
    expect(first.code, first.output).toBe(0);
    expect(first.output.match(/Success/g)?.length).toBeGreaterThanOrEqual(3);
    const second = await registerFiles();
    expect(second.code, second.output).toBe(0);
    expect(second.output).toContain("AlreadyExists");
  });

  test("C2.17 a cycle, a missing task and a wrong type are refused by name", async () => {
    const task = echoTask("compile.echo");
    const takesText = echoTask("compile.text");
    const typedInterface = takesText.spec?.template?.interface;
    const variable = typedInterface?.inputs?.variables.x;
    if (variable?.type) variable.type.type = { case: "simple", value: SimpleType.STRING };
    await Promise.all([admin.createTask(task), admin.createTask(takesText)]);
    const refusal = async (request: Parameters<AdminClient["createWorkflow"]>[0]) =>
      ConnectError.from(await admin.createWorkflow(request).catch((error: unknown) => error));
    const body = integerInterface(["x"], ["x"]);
    const end = [bindTo("x", "a", "x")];

    const cycle = await refusal(
      workflowOf(
        "compile.cycle",
        [taskNode("a", task, [bindTo("x", "b", "x")], ["b"]), taskNode("b", task, [bindTo("x", "a", "x")], ["a"])],
        body,
        end,
      ),
    );
    expect(cycle.code).toBe(Code.InvalidArgument);
    expect(cycle.message).toContain("CycleDetected");

    const missing = await refusal(
      workflowOf("compile.missing", [taskNode("a", echoTask("compile.nowhere"), [bindTo("x", "", "x")])], body, end),
    );
    expect(missing.code).toBe(Code.InvalidArgument);
    expect(missing.message).toContain("compile.nowhere");

    const mismatch = await refusal(
      workflowOf("compile.types", [taskNode("a", takesText, [bindTo("x", "", "x")])], body, end),
    );
    expect(mismatch.code).toBe(Code.InvalidArgument);
    expect(mismatch.message).toContain("MismatchingTypes");
  });

  test("C2.18 a fetched workflow has its nodes without start and end", async () => {
    await register("--version", "v18", "greetings.py");
    const remote = await clients.remote();
    const nodes = await remote.run(`
      workflow = remote.fetch_workflow(name="greetings.hello", version="v18")
      result = [node.id for node in workflow.flyte_nodes]
    `);
    expect(nodes).toEqual(["n0"]);
  });
});
