import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { downloadObject } from "./download-object.ts";
import { fileName } from "./file-name.ts";
import type { Lanes } from "./lanes.ts";
import type { Stores } from "./stores.ts";

/** Brings everything below a URI to a folder, in the background of `lanes`. */
export async function downloadFolder(
  stores: Stores,
  target: { readonly uri: string; readonly path: string; readonly partsFolder: string },
  lanes: Lanes,
): Promise<void> {
  const prefix = `${target.uri.replace(/\/+$/, "")}/`;
  const store = await stores.storeOf(prefix);
  await mkdir(target.path, { recursive: true });
  let folder = target.path;
  for await (const { uri, sizeBytes } of store.list(prefix)) {
    const path = join(target.path, ...uri.slice(prefix.length).split("/").map(fileName));
    if (dirname(path) !== folder) await mkdir(dirname(path), { recursive: true });
    folder = dirname(path);
    await lanes.begin(1, () => downloadObject(stores, { uri, path, sizeBytes, partsFolder: target.partsFolder }));
  }
}
