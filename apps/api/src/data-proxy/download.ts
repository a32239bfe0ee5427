import { SkeinError } from "@skein/errors";
import { ArtifactType, type CreateDownloadLinkRequest, type CreateDownloadLocationRequest } from "@skein/idl/service";
import type { Call } from "../call.ts";
import type { ActionTarget, DataProxyDependencies } from "./dependencies.ts";
import { readExpiry } from "./expiry.ts";

/** A signed URL for an object by its native URL, which has to lie in our storage. */
export async function createDownloadLocation(
  { storage, limits }: DataProxyDependencies,
  request: CreateDownloadLocationRequest,
) {
  if (request.nativeUrl === "") throw invalid("native_url is empty: give the URI of the object.");
  const expiry = readExpiry(request.expiresIn, limits);
  return { signedUrl: await storage.signDownload(request.nativeUrl, expiry.seconds), expiresAt: expiry.at };
}

/** Signed URLs of an artifact of an action; the deck is the only kind there is. */
export async function createDownloadLink(
  dependencies: DataProxyDependencies,
  request: CreateDownloadLinkRequest,
  call: Call,
) {
  if (request.artifactType !== ArtifactType.DECK) {
    throw invalid(`artifact_type is ${ArtifactType[request.artifactType]}: only DECK can be linked.`);
  }
  const id = request.source.case === "nodeExecutionId" ? request.source.value : undefined;
  const { project = "", domain = "", name = "" } = id?.executionId ?? {};
  const action = id?.nodeId ?? "";
  if ([project, domain, name, action].includes("")) {
    throw invalid("node_execution_id is incomplete: it needs project, domain, name and node_id.");
  }
  const expiry = readExpiry(request.expiresIn, dependencies.limits);
  const target = { project, domain, run: name, action };
  const signedUrl = [await signDeck(dependencies, target, expiry.seconds, call)];
  return { signedUrl, expiresAt: expiry.at, preSignedUrls: { signedUrl, expiresAt: expiry.at } };
}

/** A signed URL of an action's deck; not_found while there is none. */
export async function signDeck(
  { storage, findDeckUri }: DataProxyDependencies,
  target: ActionTarget,
  expiresInSeconds: number,
  call: Call,
): Promise<string> {
  const uri = await findDeckUri(call, target);
  if (uri === undefined || !(await storage.head(uri))) {
    const message = `${target.action} of run ${target.run} has no deck. Tasks write one with enable_deck=True.`;
    throw new SkeinError("not_found", "deck_not_found", message);
  }
  return await storage.signDownload(uri, expiresInSeconds);
}

const invalid = (message: string): SkeinError =>
  new SkeinError("invalid_argument", "download_request_invalid", message);
