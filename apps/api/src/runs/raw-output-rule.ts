import type { RawOutputDataConfig } from "@skein/idl/admin";
import { invalid } from "../registry/identity.ts";

/** Refuses a place for raw outputs that the tenant may not use; invalid_argument names `field`. */
export type CheckRawOutput = (
  field: string,
  tenant: { readonly project: string; readonly domain: string },
  config: RawOutputDataConfig | undefined,
) => void;

/** Folders of the storage that the server keeps for each tenant: what tasks write there is written for others. */
const SERVERS_OWN = ["meta", "uploads", "raw", ".staging"];

/**
 * Raw outputs go below the storage, except where the server keeps data of its own and of other tenants, or below one of
 * `prefixes`, which the operator opened. Agents write there with rights that the caller may lack.
 */
export function rawOutputRule(rootUri: string, prefixes: readonly string[]): CheckRawOutput {
  return (field, { project, domain }, config) => {
    const uri = config?.outputLocationPrefix.replace(/\/+$/, "") ?? "";
    if (uri === "") return;
    const named = `${field}.output_location_prefix`;
    if (!isPlain(uri))
      throw invalid(named, "has an empty path segment, a dot segment or a character that no URI of a folder has");
    if (prefixes.some((prefix) => isWithin(uri, prefix))) return;
    if (!isWithin(uri, rootUri)) {
      throw invalid(
        named,
        `is ${JSON.stringify(uri)}, where runs may not write: use a folder below ${[rootUri, ...prefixes].join(" or ")}, or have it added to SKEIN_RAW_OUTPUT_PREFIXES`,
      );
    }
    const folder = uri.slice(rootUri.length + 1);
    if (isWithin(folder, `raw/${project}/${domain}`)) return;
    if (SERVERS_OWN.includes(folder.split("/")[0] ?? "")) {
      throw invalid(
        named,
        `is ${JSON.stringify(uri)}, which the server keeps for itself: use another folder of the storage`,
      );
    }
  };
}

const isWithin = (uri: string, folder: string): boolean => uri === folder || uri.startsWith(`${folder}/`);

function isPlain(uri: string): boolean {
  const path = uri.replace(/^[a-z0-9]+:\/\//, "");
  const segments = path.replace(/^\//, "").split("/");
  const hasControl = [...uri].some((character) => character < " " || character === "\u007f");
  return !hasControl && !uri.includes("\\") && !segments.some((segment) => ["", ".", ".."].includes(segment));
}
