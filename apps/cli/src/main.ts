#!/usr/bin/env node
import { errorCodeOf } from "@skein/client";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { demo } from "./commands/demo.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { secret } from "./commands/secret.ts";

const program = new Command("skein")
  .description("Runs Flyte workflows on your own machines")
  .showHelpAfterError("Use --help to see what there is.")
  .addCommand(dev(process.env))
  .addCommand(demo(process.env))
  .addCommand(doctor(process.env))
  .addCommand(secret(process.env));

try {
  await program.parseAsync();
} catch (error) {
  console.error(forPeople(error));
  process.exit(1);
}

/** What can be acted on is a message; anything else is shown whole. */
function forPeople(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof SkeinError || errorCodeOf(error) !== undefined) return error.message;
  if (error.name !== "TRPCClientError") return error;
  return `Skein does not answer (${error.message}). Is it running? --server or SKEIN_API_URL says where.`;
}
