import type { Environment } from "@skein/config";
import { Command } from "commander";

/** `skein demo`: a workflow from nothing to its outputs, in one command. */
export const demo = (environment: Environment): Command =>
  new Command("demo")
    .description("Start Skein, register a workflow with the real pyflyte, run it and show its outputs")
    .option("--exit", "end when the run has ended, instead of serving until Ctrl-C")
    .action(async ({ exit }: { exit?: boolean }) => {
      const { runDemo } = await import("../demo/run-demo.ts");
      await runDemo(environment, { exit: exit === true });
    });
