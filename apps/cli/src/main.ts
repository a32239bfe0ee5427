#!/usr/bin/env node
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { demo } from "./commands/demo.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";

const program = new Command("skein")
  .description("Runs Flyte workflows on your own machines")
  .showHelpAfterError("Use --help to see what there is.")
  .addCommand(dev(process.env))
  .addCommand(demo(process.env))
  .addCommand(doctor(process.env));

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof SkeinError ? error.message : error);
  process.exit(1);
}
