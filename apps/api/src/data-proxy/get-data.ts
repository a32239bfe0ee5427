import { SkeinError } from "@skein/errors";
import type { Literal } from "@skein/idl/core";
import type { GetDataRequest } from "@skein/idl/service";
import type { Call } from "../call.ts";
import type { InputsAndOutputs, LargeValue } from "../values/readable-values.ts";
import type { DataProxyDependencies } from "./dependencies.ts";
import { signDeck } from "./download.ts";
import { readExpiry } from "./expiry.ts";
import { findLiteral } from "./find-literal.ts";
import { type FlyteUrl, readFlyteUrl } from "./flyte-url.ts";

/** As much of the store as one request may bring into memory. */
const SEARCHED_BYTES_MAX = 128 * 1024 * 1024;
/** flytekit takes no message over 20 MiB. */
const LITERAL_BYTES_MAX = 18 * 1024 * 1024;

/**
 * Answers a `flyte://` URL: a whole literal map, one literal of it, or signed URLs of a deck. A map that is too large for an
 * answer is a signed URL too: of a serialized `flyteidl.core.LiteralMap`.
 */
export async function getData(dependencies: DataProxyDependencies, request: GetDataRequest, call: Call) {
  const target = readFlyteUrl(request.flyteUrl);
  const { storage, limits } = dependencies;
  const expiry = readExpiry(undefined, limits);
  if (target.artifact === "deck") {
    return toUrls(await signDeck(dependencies, target, expiry.seconds, call), expiry);
  }
  const values = await dependencies.readValues(call, target);
  const large = values.large[target.artifact];
  if (target.variable !== undefined) {
    return { data: { case: "literal" as const, value: await findVariable(dependencies, values, target, large) } };
  }
  if (large) return toUrls(await storage.signDownload(large.uri, expiry.seconds), expiry);
  return { data: { case: "literalMap" as const, value: values[target.artifact] } };
}

const toUrls = (url: string, { at }: ReturnType<typeof readExpiry>) => ({
  data: { case: "preSignedUrls" as const, value: { signedUrl: [url], expiresAt: at } },
});

async function findVariable(
  { storage }: DataProxyDependencies,
  values: InputsAndOutputs,
  { artifact, variable = "" }: FlyteUrl,
  large: LargeValue | undefined,
): Promise<Literal> {
  if (artifact === "deck") throw variableUnknown(artifact, variable, []);
  const { literals } = values[artifact];
  if (!large) {
    const literal = Object.hasOwn(literals, variable) ? literals[variable] : undefined;
    if (literal) return literal;
    throw variableUnknown(artifact, variable, Object.keys(literals));
  }
  const bytes = await storage.get(large.uri, { bytesMax: SEARCHED_BYTES_MAX });
  const found = findLiteral(bytes, variable);
  if (!found) throw variableUnknown(artifact, variable, ["others"]);
  if (found.sizeBytes <= LITERAL_BYTES_MAX) return found.literal;
  const message = `The ${artifact} variable "${variable}" is too large for an answer. Leave it out of the flyte_url to get the signed URL of all ${artifact}.`;
  throw new SkeinError("resource_exhausted", "value_too_large", message);
}

function variableUnknown(artifact: string, variable: string, names: readonly string[]): SkeinError {
  const known = names.toSorted().join(", ") || "none";
  const message = `flyte_url names ${artifact} variable "${variable}"; there is: ${known}.`;
  return new SkeinError("invalid_argument", "variable_unknown", message);
}
