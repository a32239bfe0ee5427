import { type AdminClient, openAdminClient, outputsOf, untilOver } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  shown,
  startSkein,
} from "./src/index.ts";

const available = await haveClients("1.10.3");
// Many runs share two cores here: the last of them waits for all others.
const RUN_TIMEOUT_MS = 240_000;
vi.setConfig({ testTimeout: RUN_TIMEOUT_MS + 30_000 });
const TENANT = ["-p", "flytesnacks", "-d", "development"];
const runNameIn = (output: string): string => /executions\/([a-z][a-z0-9-]*)/.exec(output)?.[1] ?? "";

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "redis", storage: "s3" }))(
  "flytekit 1.10.3, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 3, flytekit: "1.10.3" });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });
    const run = async (...args: string[]): Promise<string> => {
      const { output } = await clients.pyflyte("run", "--remote", ...args);
      const name = runNameIn(output);
      expect(name, output).not.toBe("");
      const { closure } = await untilOver(admin, name, RUN_TIMEOUT_MS);
      expect(closure?.outputResult.case === "error" ? closure.outputResult.value.message : "").toBe("");
      return name;
    };

    test("C2.9 a file is registered, again and again", async () => {
      for (let time = 0; time < 2; time += 1) {
        const { code, output } = await clients.pyflyte(
          ...["register", ...TENANT, "--destination-dir", ".", "--version", "v1", "greetings.py"],
        );
        expect(output).toContain("Successfully registered 3 entities");
        expect(code).toBe(0);
      }
      const name = await clients.launch("greetings.hello", { name: "geese" });
      expect(await outputsWhenOver(admin, name)).toEqual({ o0: "Hello, geese!" });
    });

    test.concurrent("C3.19 a workflow is run and read", async () => {
      const name = await run("greetings.py", "hello");
      const seen = await (await clients.remote()).run(`
      from datetime import timedelta
      run = remote.wait(remote.fetch_execution(name="${name}"), poll_interval=timedelta(seconds=1))
      result = [run.is_done, run.outputs.get("o0", as_type=str), sorted(run.node_executions)]
    `);
      expect(seen).toEqual([true, "Hello, World!", ["end-node", "n0", "start-node"]]);
    });

    test.concurrent("C3.23 lists go in, and a number comes out", async () => {
      const name = await run("line_fit.py", "height", "--x", "[-3,0,3]", "--y", "[7,4,-2]");
      expect(await outputsWhenOver(admin, name)).toEqual({ o0: 3 });
    });

    test.concurrent("C7.66 values of every type arrive as they were typed", async () => {
      const name = await run(
        ...["passing.py", "carrying", "--big", "9007199254740993", "--text", "гуси 🪿", "--small=-9223372036854775808"],
        ...["--nested", "[[1,2],[]]", "--table", '{"a": 1}', "--either", "five"],
        ...["--when", "2024-05-06T07:08:09", "--took", "10 minutes", "--colour", "green"],
      );
      const { seen, ...values } = await outputsWhenOver(admin, name);
      expect(values).toEqual({
        big: 9007199254740993n,
        small: -9223372036854775808n,
        text: "гуси 🪿",
        nested: [[1n, 2n], []],
      });
      const [table, when, took, maybe, either, colour] = JSON.parse(String(seen)) as unknown[];
      expect([table, took, maybe, either, colour]).toEqual([{ a: 1 }, 600, null, "five", "green"]);
      expect(String(when)).toMatch(/^2024-05-06T07:08:09/);
    });

    test.concurrent.each(["datums", "models"])(
      "C7.67 %s carry maps, tables, files and folders in a Struct",
      async (module) => {
        const name = await run(`frames/${module}.py`, "packed", "--x", "10", "--y", "20");
        const { o0, o2 } = (await outputsOf(admin, name))?.literals ?? {};
        // The plugin for models wraps its Struct in a map.
        expect(shown(o0)).toContain(`"case":"generic"`);
        expect(shown(o0)).not.toContain("msgpack");
        expect(o2?.value).toMatchObject({
          value: { value: { value: { value: { case: "stringValue", value: "True In flight. ['birds.parquet']" } } } },
        });
        const seen = await (await clients.remote()).run(`
      from frames.${module} import Measure
      measure = remote.fetch_execution(name="${name}").outputs.get("o0", as_type=Measure)
      result = [measure.x, measure.y, measure.z]
    `);
        expect(seen).toEqual([30, "1020", { "10": "10", "20": "20" }]);
      },
    );

    test.concurrent("C7.67 a table travels with its chosen column", async () => {
      const name = await run("frames/tables.py", "only_eggs");
      const seen = await (await clients.remote()).run(`
      import pandas
      from flytekit.types.structured import StructuredDataset
      table = remote.fetch_execution(name="${name}").outputs.get("o0", as_type=StructuredDataset)
      result = [int(eggs) for eggs in table.open(pandas.DataFrame).all()["eggs"]]
    `);
      expect(seen).toEqual([6, 5, 30]);
    });
  },
);
