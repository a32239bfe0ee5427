import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CatalogCacheStatus } from "@skein/idl/core";
import { type AdminClient, openAdminClient, outputsOf, untilOver } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  type LaunchInput,
  nodesOf,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients("1.16.31-frames");
// Many runs share two cores here: the last of them waits for all others.
const RUN_TIMEOUT_MS = 240_000;
vi.setConfig({ testTimeout: RUN_TIMEOUT_MS + 30_000 });
const BIRDS = "bird,eggs,weight\ngoose,6,4\nswan,5,9\n";
const runNameIn = (output: string): string => /executions\/([a-z][a-z0-9-]*)/.exec(output)?.[1] ?? "";

/** Serves the table of birds under any path. */
async function serveBirds(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((_, response) => response.end(BIRDS)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.skipIf(!available).each(backingsOfLongSuite({ queue: "redis", storage: "s3" }))(
  "values of every type, queue on $queue, files in $storage",
  (backing) => {
    let skein: RunningSkein;
    let clients: FlyteClients;
    let admin: AdminClient;

    beforeAll(async () => {
      skein = await startSkein({
        ...backing,
        apis: 1,
        schedulers: 1,
        agents: 1,
        agentSlots: 3,
        flytekit: "1.16.31-frames",
      });
      clients = await openFlyteClients(skein);
      admin = openAdminClient(skein.url);
      await clients.register("values", "frames");
    });
    afterAll(async () => {
      await clients?.close();
      await skein?.close();
    });

    const untilDone = async (name: string): Promise<void> => {
      const { closure } = await untilOver(admin, name, RUN_TIMEOUT_MS);
      expect(closure?.outputResult.case === "error" ? closure.outputResult.value.message : "").toBe("");
    };
    const run = async (plan: string, inputs: Readonly<Record<string, LaunchInput>> = {}): Promise<string> => {
      const name = await clients.launch(plan, inputs);
      await untilDone(name);
      return name;
    };
    const outputs = async (plan: string, inputs: Readonly<Record<string, LaunchInput>> = {}) =>
      outputsWhenOver(admin, await run(plan, inputs));
    /** Runs Python with `outputs`, those of a run, at hand. */
    const read = async (name: string, code: string): Promise<unknown> =>
      (await clients.remote()).run(`
      import os
      import pandas
      from flytekit.types.directory import FlyteDirectory
      from flytekit.types.file import FlyteFile
      from flytekit.types.structured import StructuredDataset
      from urllib.parse import unquote
      outputs = remote.fetch_execution(name="${name}").outputs
      def lines(path):
          with open(path) as file:
              return file.read().split()
      def fetched(name, kind):
          # flytekit looks for a file:// address as for a path of that very name, and does not find it.
          uri = outputs.literals[name].scalar.blob.uri
          return unquote(uri.removeprefix("file://")) if uri.startswith("file://") else outputs.get(name, as_type=kind).download()
      def table(name):
          return outputs.get(name, as_type=StructuredDataset).open(pandas.DataFrame).all()
      ${code}
    `);
    const runCli = async (...args: string[]): Promise<string> => {
      const { output } = await clients.pyflyte("run", "--remote", ...args);
      const name = runNameIn(output);
      expect(name, output).not.toBe("");
      await untilDone(name);
      return name;
    };

    test.concurrent("C6.61 items, keys and fields of outputs are found in lists, maps and msgpack", async () => {
      const plans = ["item_of_list", "key_of_map", "field_of_dataclass", "combined"];
      expect(await Promise.all(plans.map((plan) => outputs(`values.attributes.${plan}`)))).toEqual([
        { o0: "Martin!" },
        { o0: "Akka!" },
        { o0: "Martin!" },
        {
          o0: "Akka!",
          o1: "Akka!",
          o2: "Martin!",
          o3: "['Akka'] {'leader': 'Akka'} [9007199254740993, 2] 9007199254740994",
        },
      ]);
    });

    test.concurrent("enums travel between tasks, and from the command line", async () => {
      const [fly, flyIn] = await Promise.all([
        outputs("values.seasons.fly", { month: "may" }),
        runCli("values/seasons.py", "fly_in", "--season", "spring"),
      ]);
      expect(fly).toEqual({ o0: "In autumn they fly south." });
      expect(await outputsWhenOver(admin, flyIn)).toEqual({ o0: "In spring they fly north." });
    });

    test.concurrent("C7.62 and 69 pickled objects travel, alone and in batches", async () => {
      const [one, many] = await Promise.all(
        ["one_traveller", "many_travellers"].map((plan) => outputs(`values.pickles.${plan}`)),
      );
      expect(one).toEqual({ o0: "🪿 Нильс travels by goose." });
      expect(many).toEqual({ o0: ["Nils", "Akka", "Fox"].map((name) => `🪿 ${name} travels by air.`) });
    });

    test.concurrent("C7.62 a file from the user's disk is uploaded, and the output's address downloads", async () => {
      const file = join(clients.folder, "birds.csv");
      writeFileSync(file, BIRDS);
      const name = await runCli("values/files.py", "shifted_file", "--table", file, "--column", "eggs");
      const shifted = `result = lines(fetched("o0", FlyteFile))`;
      expect(await read(name, shifted)).toEqual(["eggs", "1.0", "0.0"]);
    });

    // In a folder as store a task is given the stored files themselves, and cannot write beside them.
    if (backing.storage !== "file") {
      test.concurrent("C7.62 shell tasks change files and pack folders", async () => {
        const name = await run("values.shells.measured");
        // "nine letters\nfound\n"
        expect(await read(name, `result = lines(fetched("o0", FlyteFile))`)).toEqual(["19"]);
      });

      test.concurrent("C7.62 a folder of downloads is shifted file by file", async () => {
        const { server, url } = await serveBirds();
        try {
          const addresses = [`${url}/first.csv`, `${url}/second.csv`];
          const name = await run("values.files.shifted_folder", { addresses, columns: ["eggs", "weight"] });
          const o0 = (await outputsOf(admin, name))?.literals.o0;
          expect(o0?.value).toMatchObject({
            case: "scalar",
            value: { value: { case: "blob", value: { metadata: { type: { dimensionality: 1 } } } } },
          });
          const folders = await read(
            name,
            `folder = fetched("o0", FlyteDirectory)
      result = {name: lines(os.path.join(folder, name)) for name in os.listdir(folder)}`,
          );
          expect(folders).toEqual({ "0_first.csv": ["eggs", "1.0", "0.0"], "1_second.csv": ["weight", "0.0", "5.0"] });
        } finally {
          server.close();
        }
      });
    }

    test.concurrent("C7.67 dataclasses and pydantic models carry maps, tables, files and folders", async () => {
      const names = await Promise.all(
        ["datums", "models"].map((name) => run(`frames.${name}.packed`, { x: 10, y: 20 })),
      );
      for (const [index, name] of names.entries()) {
        const seen = await read(
          name,
          `from frames.${index === 0 ? "datums" : "models"} import Measure
      measure = outputs.get("o0", as_type=Measure)
      result = [measure.x, measure.y, measure.z, outputs.get("o2")]`,
        );
        // Python's int keys are text in JSON.
        const z = { "10": "10", "20": "20" };
        expect(seen).toEqual([30, "1020", z, "True In flight. ['birds.parquet']"]);
      }
    });

    test.concurrent("C7.67 tables travel with chosen columns, as CSV and through an encoder of the author's", async () => {
      const [eggs = "", csv = "", array = "", columns = ""] = await Promise.all(
        ["tables.only_eggs", "tables.as_csv", "arrays.as_array", "columns.chosen_columns"].map((plan) =>
          run(`frames.${plan}`),
        ),
      );
      expect(
        await read(eggs, `result = {name: list(map(int, column)) for name, column in table("o0").items()}`),
      ).toEqual({
        eggs: [6, 5, 30],
      });
      expect(
        await read(
          csv,
          `result = [outputs.get("o0", as_type=StructuredDataset).metadata.structured_dataset_type.format,
        list(table("o0")["bird"])]`,
        ),
      ).toEqual(["csv", ["goose", "swan"]]);
      expect(await read(array, `result = table("o0").to_numpy().tolist()`)).toEqual([["goose", "swan"]]);
      expect(await outputsWhenOver(admin, columns)).toEqual({
        o0: "['flock']",
        o1: "['eggs']",
        o2: "['name', 'place', 'eggs']",
      });
    });

    test.concurrent("files and folders are streamed where they lie", async () => {
      const folder = join(clients.folder, "streamed");
      mkdirSync(folder, { recursive: true });
      // flytekit takes the folder of a single file for the file.
      writeFileSync(join(folder, "note.txt"), "in flight");
      writeFileSync(join(folder, "page.txt"), "landed");
      writeFileSync(join(clients.folder, "streamed.csv"), BIRDS);
      const table = join(clients.folder, "streamed.csv");
      const name = await runCli("frames/streams.py", "streamed", "--birds", table, "--folder", folder);
      const seen = await read(
        name,
        `copied = fetched("o1", FlyteDirectory)
      result = [lines(fetched("o0", FlyteFile)), *[lines(os.path.join(copied, name)) for name in ("note.txt", "page.txt")]]`,
      );
      expect(seen).toEqual([["bird,eggs,weight", "goose,6,4"], ["in", "flight"], ["landed"]]);
    });

    test.concurrent("C8.74 a table's hash makes a cache hit of a table that lies elsewhere", async () => {
      const name = await run("frames.cached_tables.twice_read");
      expect(await outputsWhenOver(admin, name)).toEqual({ o0: true });
      const nodes = await nodesOf(admin, name);
      const statuses = nodes.flatMap(({ cacheStatus }) => (cacheStatus ? [cacheStatus] : []));
      expect(statuses.toSorted()).toEqual([CatalogCacheStatus.CACHE_HIT, CatalogCacheStatus.CACHE_POPULATED]);
    });
  },
);
