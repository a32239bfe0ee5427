import { describe, expect } from "vitest";
import { ProcessRuntime } from "./process.ts";
import { describeRuntime } from "./runtime.testsuite.ts";
import { openSandbox } from "./sandbox.ts";

const { problem } = await openSandbox([], []);
if (problem !== undefined) {
  if (process.env.CI === "true") throw new Error(problem);
  process.stderr.write(`skipped: ${problem}\n`);
}

describe("a process without isolation", () => {
  describeRuntime({ open: async () => new ProcessRuntime({ sandbox: undefined }), image: "", isIsolated: false });
});

describe.skipIf(problem !== undefined)("a process in bubblewrap", () => {
  describeRuntime({
    open: async (home) => {
      const { sandbox } = await openSandbox([home], []);
      expect(sandbox).toBeDefined();
      return new ProcessRuntime({ sandbox });
    },
    image: "",
    isIsolated: true,
  });
});
