import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { TaskSpecSchema, WorkflowSpecSchema } from "@skein/idl/admin";
import {
  type AdminClient,
  chainOf,
  echoTask,
  integerInterface,
  launch,
  openAdminClient,
  register,
  signalOf,
  untilOver,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isUnexpected, leafCommands, outcomeOf } from "./src/command-tree.ts";
import { type FlyteClients, haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";
import { PYFLYTE_COMMANDS, REMOTE_CALLS } from "./src/remote-calls.ts";

const available = await haveClients();
/** Some two hundred processes: seconds where nothing else runs, minutes where much does. */
const WALK_MS = 600_000;
const FIXTURE = "./fixtures/flytectl-commands.txt";
const ATTRIBUTES: Readonly<Record<string, string>> = {
  "cluster-resource-attribute": "attributes: {team: geese}",
  "execution-cluster-label": "value: north",
  "execution-queue-attribute": "tags: [north, south]",
  "plugin-override": "overrides: [{task_type: echo, plugin_id: [other], missing_plugin_behavior: 1}]",
  "task-resource-attribute": 'defaults: {cpu: "1", memory: 100Mi}\nlimits: {cpu: "2", memory: 200Mi}',
  "workflow-execution-config": "max_parallelism: 7",
};
const MASKS = [
  [/"?details"? ?[:=].*/g, ""],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<moment>"],
  [/ipv4:[\d.:]+/g, "<peer>"],
] as const;
const masked = (text: string): string =>
  MASKS.reduce((shown, [from, to]) => shown.replaceAll(from, to), text.replace(/\s+/g, " ")).slice(0, 400);
/** They work on this machine alone, ask other servers than ours, or manage containers: only their help is looked at. */
const LOCAL = [
  ...["demo exec", "demo reload", "demo start", "demo status", "demo teardown"],
  ...["sandbox exec", "sandbox start", "sandbox status", "sandbox teardown", "register examples", "upgrade"],
];

describe.skipIf(!available)("flytectl's command tree", () => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;
  const lines: string[] = [];
  const covered = new Set<string>();

  beforeAll(async () => {
    skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    const echo = echoTask("tree.echo");
    const waiting = workflowOf("tree.waiting", [signalOf("gate", "go")], integerInterface([], []));
    await register(admin, [echo], [chainOf("tree.chain", echo, 2), waiting]);
    await Promise.all(
      ["done-1", "done-2"].map(async (name) => untilOver(admin, await launch(admin, "tree.chain", { x: 1 }, { name }))),
    );
    await launch(admin, "tree.waiting", {}, { name: "open-1" });
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  /** Runs commands at the same time, and notes in their order how they ended. */
  async function walk(command: string, ...invocations: string[][]): Promise<void> {
    covered.add(command);
    const words = command.split(" ");
    const ended = await Promise.all(invocations.map((args) => clients.flytectl(...words, ...args)));
    for (const [at, result] of ended.entries()) {
      const shown = ["flytectl", command, ...(invocations[at] ?? [])].join(" ").replaceAll(clients.folder, "…");
      expect(isUnexpected(result.output), `${shown}:\n${result.output}`).toBe(false);
      lines.push(
        `${shown}\n  → ${outcomeOf(result, [
          [clients.folder, "…"],
          [`${skein.port}`, "<port>"],
        ])}`,
      );
    }
  }
  const file = (name: string, text: string | Uint8Array): string => {
    const path = join(clients.folder, name);
    writeFileSync(path, text);
    return path;
  };
  /** A package as `pyflyte package` makes it. */
  function packageFile(): string {
    const folder = join(clients.folder, "package");
    mkdirSync(folder);
    const echo = echoTask("packed.echo");
    const chain = chainOf("packed.chain", echo, 1);
    if (!echo.spec || !chain.spec) throw new Error("specs are missing");
    writeFileSync(join(folder, "0_packed.echo_1.pb"), toBinary(TaskSpecSchema, echo.spec));
    writeFileSync(join(folder, "1_packed.chain_2.pb"), toBinary(WorkflowSpecSchema, chain.spec));
    const path = join(clients.folder, "package.tgz");
    execFileSync("tar", ["-czf", path, "-C", folder, "."]);
    return path;
  }

  test(
    "every command ends well, or with a refusal that says why",
    async () => {
      const tables = [[], ["-o", "json"], ["-o", "yaml"]];
      const each = (...args: string[]) => tables.map((format) => [...args, ...format]);
      await walk("version", []);
      await walk("help", [], ["get"]);
      await walk("completion", ["bash"], ["zsh"]);
      await walk("config init", ["--host", "localhost:8088", "--insecure", "--force"]);
      await walk("config discover", []);
      await walk("config validate", []);
      await walk("config docs", []);

      await walk("create project", [
        "--id",
        "geese",
        "--name",
        "geese",
        "--description",
        "fly south",
        "--labels",
        "a=b",
      ]);
      await walk("create project", ["--id", "geese", "--name", "geese"], ["--id", "Bad_Id", "--name", "x"]);
      await walk("get project", ...each(), ...each("geese"), ["nobody"]);
      await walk("update project", ["--id", "geese", "--description", "fly north", "--force"]);
      await walk("update project", ["--id", "geese", "--archive", "--force"]);
      await walk(
        "update project",
        ["--id", "geese", "--activate", "--force"],
        ["--id", "nobody", "--archive", "--force"],
      );

      const archive = packageFile();
      await walk("compile", ["--file", archive]);
      await walk("register files", [archive, "--archive", "--version", "v1", "--dryRun"]);
      await walk("register files", [archive, "--archive", "--version", "v1"]);
      await walk(
        "register files",
        [archive, "--archive", "--version", "v1"],
        [join(clients.folder, "missing.pb"), "--version", "v1"],
      );

      await walk("get task", ...each(), ...each("tree.echo"), ["tree.echo", "--latest", "-o", "yaml"]);
      const taskFile = join(clients.folder, "task.yaml");
      await walk(
        "get task",
        ["tree.echo", "--version", "v1", "--execFile", taskFile],
        ["nobody"],
        ["tree.echo", "--version", "none"],
      );
      const graph = ["tree.chain", "--latest", "-o"];
      await walk("get workflow", ...each(), ...each("tree.chain"), [...graph, "dot"], [...graph, "yaml"]);
      await walk("get workflow", ["tree.chain", "--version", "v1"], ["nobody"], ["tree.chain", "--version", "none"]);
      const planFile = join(clients.folder, "plan.yaml");
      await walk("get launchplan", ...each(), ...each("tree.chain"), ["--workflow", "tree.chain"], ["nobody"]);
      await walk(
        "get launchplan",
        ["tree.chain", "--version", "v1", "-o", "json"],
        ["tree.chain", "--latest", "--execFile", planFile],
      );

      await walk("update launchplan", ["tree.chain", "--version", "v1", "--activate", "--force"]);
      await walk("update launchplan", ["tree.chain", "--version", "v1", "--deactivate", "--force"]);
      await walk("update launchplan", ["tree.chain", "--version", "none", "--activate", "--force"]);
      for (const [kind, name] of [
        ["task", "tree.echo"],
        ["workflow", "tree.chain"],
        ["launchplan", "tree.chain"],
      ] as const) {
        await walk(`update ${kind}-meta`, [name, "--description", "of the tree", "--force"]);
        await walk(`update ${kind}-meta`, [name, "--archive", "--force"]);
        await walk(`update ${kind}-meta`, [name, "--activate", "--force"], ["nobody", "--archive", "--force"]);
      }

      await walk("create execution", ["--execFile", planFile, "--dryRun"]);
      await walk("create execution", ["--execFile", planFile], ["--execFile", taskFile]);
      await walk("create execution", ["--relaunch", "done-1"], ["--recover", "done-1"], ["--relaunch", "nobody"]);
      await walk(
        "get execution",
        ...each(),
        ...each("done-1"),
        ["nobody"],
        ["--filter.fieldSelector", "execution.colour=red"],
      );
      const details = ["done-1", "--details"];
      await walk(
        "get execution",
        details,
        [...details, "-o", "yaml"],
        [...details, "--nodeID", "n0"],
        [...details, "--nodeID", "none"],
      );
      await walk("update execution", ["done-2", "--archive", "--force"]);
      await walk("update execution", ["done-2", "--archive", "--force"], ["nobody", "--archive", "--force"]);
      await walk("update execution", ["done-2", "--activate", "--force"]);
      await walk("delete execution", ["open-1", "--dryRun"]);
      await walk("delete execution", ["open-1"], ["done-1"], ["nobody"]);

      for (const [attribute, text] of Object.entries(ATTRIBUTES)) {
        const scope = "project: flytesnacks\ndomain: development\n";
        const wide = file(`${attribute}.yaml`, `${scope}${text}\n`);
        const narrow = file(`${attribute}-of.yaml`, `${scope}workflow: tree.chain\n${text}\n`);
        await walk(`get ${attribute}`, [], ["tree.chain"]);
        // The narrow one first: else it would be found set already, as what holds around it.
        await walk(`update ${attribute}`, ["--attrFile", narrow, "--force"]);
        await walk(`update ${attribute}`, ["--attrFile", wide, "--force"]);
        await walk(
          `get ${attribute}`,
          [],
          ["tree.chain"],
          ["--attrFile", join(clients.folder, `${attribute}-got.yaml`)],
        );
        await walk(`delete ${attribute}`, []);
        await walk(`delete ${attribute}`, ["tree.chain"]);
        await walk(`delete ${attribute}`, ["--attrFile", wide]);
        await walk(`get ${attribute}`, [], ["tree.chain"]);
      }
      for (const command of LOCAL) await walk(command, ["--help"]);

      await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(FIXTURE);
      const leaves = await leafCommands((...args) => clients.flytectl(...args));
      expect(leaves).toEqual([...covered].sort());
    },
    WALK_MS,
  );

  /** What Python answers: the result, or the exception's class and the refusal in one line. */
  async function outcomeOfPython(code: string): Promise<string> {
    const remote = await clients.remote();
    const result = await remote.run(code).catch((error: unknown) => error);
    const shown = result instanceof Error ? `${result.name}: ${result.message}` : JSON.stringify(result);
    expect(
      isUnexpected(shown) || /StatusCode\.(INTERNAL|UNKNOWN|UNIMPLEMENTED)/.test(shown),
      `${code}:\n${shown}`,
    ).toBe(false);
    return masked(shown);
  }

  test(
    "every call of FlyteRemote and command of pyflyte ends well, or with a refusal that says why",
    async () => {
      await Promise.all(["open-2", "open-3"].map((name) => launch(admin, "tree.waiting", {}, { name })));
      const said: string[] = [];
      for (const call of REMOTE_CALLS) said.push(`${call}\n  → ${await outcomeOfPython(call)}`);
      await (await clients.remote()).run(
        "from click.testing import CliRunner; from flytekit.clis.sdk_in_container.pyflyte import main",
      );
      for (const command of PYFLYTE_COMMANDS) {
        const code = `ended = CliRunner().invoke(main, json.loads(${JSON.stringify(JSON.stringify(command))})); result = [ended.exit_code, str(ended.exception) if ended.exit_code else ""]`;
        said.push(`pyflyte ${command.join(" ")}\n  → ${await outcomeOfPython(code)}`);
      }
      await expect(`${said.join("\n")}\n`).toMatchFileSnapshot("./fixtures/flytekit-calls.txt");
    },
    WALK_MS,
  );
});
