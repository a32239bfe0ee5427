import { SkeinError } from "@skein/errors";
import type { ActionTarget } from "./dependencies.ts";

/** What a `flyte://v1/…` URL points at. */
export interface FlyteUrl extends ActionTarget {
  readonly artifact: "inputs" | "outputs" | "deck";
  /** One variable of the inputs or outputs. */
  readonly variable?: string;
}

const ARTIFACTS: Record<string, FlyteUrl["artifact"]> = { i: "inputs", o: "outputs", d: "deck" };
const SHAPE = "flyte://v1/<project>/<domain>/<run>/<node>[/<attempt>]/<i|o|d>[/<variable>]";

/** Reads `flyte://v1/project/domain/run/node[/attempt]/{i|o|d}[/variable]`; invalid_argument for anything else. */
export function readFlyteUrl(url: string): FlyteUrl {
  const [project = "", domain = "", run = "", action = "", ...tail] = readSegments(url);
  const attempt = /^\d{1,9}$/.test(tail[0] ?? "") ? Number(tail.shift()) : undefined;
  const [letter = "", variable, ...extra] = tail;
  const artifact = ARTIFACTS[letter];
  const isComplete = [project, domain, run, action].every((segment) => segment !== "");
  if (!isComplete || artifact === undefined || variable === "" || extra.length > 0) throw invalid(url, `use ${SHAPE}`);
  if (artifact === "deck" && attempt !== undefined) {
    throw invalid(url, "a deck belongs to the node, so leave the attempt out");
  }
  if (artifact === "deck" && variable !== undefined) throw invalid(url, "a deck has no variables");
  const target = { project, domain, run, action, artifact };
  return { ...target, ...(attempt !== undefined && { attempt }), ...(variable !== undefined && { variable }) };
}

function readSegments(url: string): string[] {
  const path = /^flyte:\/\/v1\/(.+)$/.exec(url)?.[1];
  if (path === undefined) throw invalid(url, `use ${SHAPE}`);
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    throw invalid(url, "it has a broken % escape");
  }
}

const invalid = (url: string, why: string): SkeinError =>
  new SkeinError("invalid_argument", "flyte_url_invalid", `flyte_url ${JSON.stringify(url)} cannot be read: ${why}.`);
