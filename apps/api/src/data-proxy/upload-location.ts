import { randomInt } from "node:crypto";
import { SkeinError } from "@skein/errors";
import type { CreateUploadLocationRequest } from "@skein/idl/service";
import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import { toBase32 } from "./base32.ts";
import type { DataProxyDependencies } from "./dependencies.ts";
import { readExpiry } from "./expiry.ts";

const MD5_BYTES = 16;
const RANDOM_NAME_LENGTH = 20;
const RANDOM_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

/** A place for one file: its folder is named after the client's root or, for content known by its MD5, after that. */
export async function createUploadLocation(
  { storage, limits, requireProject }: DataProxyDependencies,
  request: CreateUploadLocationRequest,
  call: Call,
) {
  checkRequest(request);
  const expiry = readExpiry(request.expiresIn, limits);
  await requireProject(call, request.project, request.domain);
  const root = request.filenameRoot || toBase32(request.contentMd5);
  const uri = storage.join("uploads", request.project, request.domain, root, request.filename || randomName());
  if (request.filename && request.filenameRoot) await refuseOverwrite(storage, uri, request.contentMd5);
  const { url, headers } = await storage.signUpload({
    uri,
    ...(request.contentMd5.length > 0 && { contentMd5: request.contentMd5 }),
    md5AsMetadata: request.addContentMd5Metadata,
    contentLengthMax: limits.uploadBytesMax,
    expiresInSeconds: expiry.seconds,
  });
  return { signedUrl: url, nativeUrl: uri, expiresAt: expiry.at, headers };
}

function checkRequest({ project, domain, contentMd5, filenameRoot }: CreateUploadLocationRequest): void {
  for (const [field, value] of Object.entries({ project, domain })) {
    if (value === "") throw invalid(`${field} is empty: name the ${field} that the upload belongs to.`);
    if (value.includes("/")) throw invalid(`${field} ${JSON.stringify(value)} is not a name: it holds a slash.`);
  }
  if (contentMd5.length === 0 && filenameRoot === "") {
    throw invalid("content_md5 and filename_root are both empty: give one, so that the upload has a place of its own.");
  }
  if (contentMd5.length !== 0 && contentMd5.length !== MD5_BYTES) {
    throw invalid(
      `content_md5 has ${contentMd5.length} bytes: give the ${MD5_BYTES} raw bytes of the MD5, not its text.`,
    );
  }
}

/** A place that the client named itself may already be taken: the same content may go there again, other content may not. */
async function refuseOverwrite(storage: Storage, uri: string, contentMd5: Uint8Array): Promise<void> {
  const present = await storage.head(uri, { md5: true });
  if (!present) return;
  const isSame = present.md5 !== undefined && Buffer.compare(present.md5, contentMd5) === 0;
  if (isSame) return;
  const why = contentMd5.length === 0 ? "and no content_md5 was given to compare" : "with other content";
  const message = `There is a file at ${uri} already, ${why}. Use another filename or filename_root.`;
  throw new SkeinError("already_exists", "upload_exists", message);
}

const randomName = (): string =>
  Array.from({ length: RANDOM_NAME_LENGTH }, () => RANDOM_NAME_LETTERS[randomInt(RANDOM_NAME_LETTERS.length)]).join("");

const invalid = (message: string): SkeinError => new SkeinError("invalid_argument", "upload_request_invalid", message);
