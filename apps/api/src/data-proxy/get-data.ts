import { SkeinError } from "@skein/errors";
import type { GetDataRequest } from "@skein/idl/service";
import type { Call } from "../call.ts";
import type { DataProxyDependencies } from "./dependencies.ts";
import { signDeck } from "./download.ts";
import { readExpiry } from "./expiry.ts";
import { readFlyteUrl } from "./flyte-url.ts";

/** Answers a `flyte://` URL: a whole literal map, one literal of it, or signed URLs of a deck. */
export async function getData(dependencies: DataProxyDependencies, request: GetDataRequest, call: Call) {
  const target = readFlyteUrl(request.flyteUrl);
  if (target.artifact === "deck") {
    const expiry = readExpiry(undefined, dependencies.limits);
    const signedUrl = [await signDeck(dependencies, target, expiry.seconds, call)];
    return { data: { case: "preSignedUrls" as const, value: { signedUrl, expiresAt: expiry.at } } };
  }
  const values = await dependencies.readValues(call, target);
  const map = values[target.artifact];
  if (target.variable === undefined) return { data: { case: "literalMap" as const, value: map } };
  const literal = Object.hasOwn(map.literals, target.variable) ? map.literals[target.variable] : undefined;
  if (!literal) {
    const known = Object.keys(map.literals).sort().join(", ") || "none";
    const message = `flyte_url names ${target.artifact} variable "${target.variable}"; there is: ${known}.`;
    throw new SkeinError("invalid_argument", "variable_unknown", message);
  }
  return { data: { case: "literal" as const, value: literal } };
}
