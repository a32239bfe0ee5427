import { join } from "node:path";
import { build } from "esbuild";

/** What passes through is garbage at once: collected early, a big file takes no more memory than a small one. */
export const NODE_FLAGS = ["--max-semi-space-size=2", "--optimize-for-size"];

/** Puts copilot and all that it imports into one file of JavaScript. */
export async function bundleProgram(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    legalComments: "none",
    logLevel: "error",
  });
}
