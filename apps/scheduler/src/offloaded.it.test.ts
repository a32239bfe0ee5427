import { openStorage, type Storage } from "@skein/storage";
import { createTempFolder } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOffloaded } from "./offloaded.ts";

const RUN = { runId: crypto.randomUUID(), project: "mine", domain: "development", name: "run1" };
const BYTES = Buffer.from([1, 2, 3]);
const folder = createTempFolder("offloaded");

let storage: Storage;
let ours: string;
beforeAll(async () => {
  storage = await openStorage({ uri: `file://${folder.path}` });
  ours = storage.join("meta", "mine", "development", "another-run", "n0", "0", "x_offloaded_metadata.pb");
  await storage.put(ours, BYTES);
});
afterAll(async () => {
  await storage.close();
  await folder.close();
});

test("what a task of the run's own tenant offloaded is read", async () => {
  expect(await readOffloaded(storage, RUN, ours)).toEqual(BYTES);
});

test("what lies anywhere else is not read, however it is spelled, and what is not there has no bytes", async () => {
  const theirs = storage.join("meta", "theirs", "development", "run", "n0", "0", "x.pb");
  await storage.put(theirs, BYTES);
  const home = storage.join("meta", "mine", "development");
  const places = [
    theirs,
    `${home}/../../theirs/development/run/n0/0/x.pb`,
    "file:///etc/hostname",
    `${home}/none.pb`,
    "",
  ];
  for (const uri of places) expect(await readOffloaded(storage, RUN, uri)).toBeUndefined();
});

test("a store that does not answer is not taken for an absent value", async () => {
  const away = {
    ...storage,
    join: storage.join.bind(storage),
    head: () => Promise.reject(new Error("connect ECONNREFUSED")),
  };
  await expect(readOffloaded(away as unknown as Storage, RUN, ours)).rejects.toThrow("ECONNREFUSED");
});
