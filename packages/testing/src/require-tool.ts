import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Where `tools/install` puts ready tools unless told otherwise. */
const TOOLS_FOLDER = join(homedir(), ".cache", "skein-tools");

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The path of a program on PATH, in `~/.cache/skein-tools` or in one of `folders`. */
export const findTool = (name: string, folders: readonly string[] = []): string | undefined =>
  [...(process.env.PATH ?? "").split(delimiter), TOOLS_FOLDER, ...folders]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);

/**
 * The path of a program that a test needs. Without it: undefined, after a line that says what to install, for
 * `describe.skipIf`; under `CI=true` an error, because a skipped test there proves nothing.
 */
export function requireTool(name: string, install: string, folders: readonly string[] = []): string | undefined {
  const path = findTool(name, folders);
  if (path !== undefined) return path;
  const message = `${name} is not on PATH: install it with \`${install}\``;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`skipped: ${message}\n`);
  return undefined;
}

/** How to get the tools that our fixtures start. */
export const INSTALL_REDIS = "apt-get install redis-server";
export const INSTALL_VERSITYGW = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0";
export const INSTALL_FAKE_GCS = "go install github.com/fsouza/fake-gcs-server@v1.56.1";
