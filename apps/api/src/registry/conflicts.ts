import type { VersionId } from "@skein/db";
import { type ErrorDetail, SkeinError } from "@skein/errors";
import { entityKey } from "./identity.ts";

/** Longer diffs are cut: the message travels in HTTP/2 trailers. */
const DIFF_LENGTH_MAX = 8_000;

/** The same version was registered before, with the same content. Clients take it for success. */
export const identicalExists = (kind: string, id: VersionId, protoDetails: readonly ErrorDetail[] = []): SkeinError =>
  new SkeinError(
    "already_exists",
    "identical_version_exists",
    `${kind} ${entityKey(id)} with identical structure already exists.`,
    { protoDetails },
  );

/** The same version was registered before, with other content. `diff` shows each changed field. */
export const differentExists = (
  kind: string,
  id: VersionId,
  diff: string,
  protoDetails: readonly ErrorDetail[] = [],
): SkeinError => {
  const shown = diff.length > DIFF_LENGTH_MAX ? `${diff.slice(0, DIFF_LENGTH_MAX)}\n…` : diff;
  const what = `${kind} ${entityKey(id)} with different structure already exists. Register it under another version.`;
  return new SkeinError("invalid_argument", "different_version_exists", `${what}\n${shown}`, { protoDetails });
};

export const notRegistered = (kind: string, id: VersionId): SkeinError =>
  new SkeinError("not_found", `${kind.replace(" ", "_")}_not_found`, `The ${kind} ${entityKey(id)} does not exist.`, {
    details: { ...id },
  });
