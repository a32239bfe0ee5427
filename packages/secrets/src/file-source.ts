import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { SkeinError } from "@skein/errors";
import { isPlainName } from "./names.ts";
import { SECRET_BYTES_MAX, type SecretSource, secretText } from "./secret-source.ts";

/**
 * Secrets in files: `<root>/<project>/<domain>/<group>/<key>`, or without the domain, or without both for everybody. Links
 * are followed, because Kubernetes mounts its Secrets as links, but never out of the folder. It knows no versions.
 */
export const fileSource = (root: string): SecretSource => ({
  name: `files in ${root}`,
  async find(request) {
    const { project, domain, group, version, key } = request;
    const parts = [project, domain, group, key];
    if (version !== "" || !parts.every(isPlainName)) return undefined;
    for (const place of [parts, [project, group, key], [group, key]]) {
      const value = await readInside(root, join(root, ...place), secretText(request));
      if (value !== undefined) return value;
    }
    return undefined;
  },
});

async function readInside(root: string, path: string, secret: string): Promise<Uint8Array | undefined> {
  const [home, target] = await Promise.all([orMissing(realpath(root)), orMissing(realpath(path))]);
  if (home === undefined || target === undefined || !target.startsWith(`${home}${sep}`)) return undefined;
  const file = await open(target, "r");
  try {
    const info = await file.stat();
    if (!info.isFile()) return undefined;
    if (info.size <= SECRET_BYTES_MAX) return await file.readFile();
    const message = `The secret ${secret} is a file of ${info.size} bytes, and at most ${SECRET_BYTES_MAX} are allowed`;
    throw new SkeinError("failed_precondition", "secret_too_large", message);
  } finally {
    await file.close();
  }
}

const orMissing = (path: Promise<string>): Promise<string | undefined> =>
  path.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ELOOP") return undefined;
    throw error;
  });
