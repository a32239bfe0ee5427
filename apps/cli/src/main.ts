#!/usr/bin/env node
import { runProgram } from "./run-program.ts";

// Whoever reads our output may leave, as `head` does: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const code = await runProgram(process.env, process.argv.slice(2));
// Doctor says by its own code what it found.
if (code !== 0) process.exit(code);
