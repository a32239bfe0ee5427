import { Command } from "commander";
import { checks } from "../doctor/checks.ts";

/** `skein doctor`: what this machine has, what is missing and how to get it. Exit code 1 when Skein cannot run. */
export const doctor = (environment: { readonly DATABASE_URL?: string | undefined }): Command =>
  new Command("doctor")
    .description("Say what Skein can use on this machine, and how to get what is missing")
    .action(() => {
      const results = checks(environment.DATABASE_URL).map((check) => ({ check, found: check.find() }));
      const width = Math.max(...results.map(({ check }) => check.name.length));
      for (const { check, found } of results) {
        const mark = found !== undefined ? "ok     " : check.isRequired ? "MISSING" : "absent ";
        console.log(`${mark}  ${check.name.padEnd(width)}  ${found ?? check.purpose}`);
        if (found === undefined) console.log(`${" ".repeat(width + 11)}${check.advice()}`);
      }
      const missing = results.filter(({ check, found }) => check.isRequired && found === undefined);
      const verdict =
        missing.length === 0
          ? "Skein can run here."
          : `Skein cannot run: ${missing.map((r) => r.check.name).join(", ")} missing.`;
      console.log(`\n${verdict}`);
      process.exitCode = missing.length === 0 ? 0 : 1;
    });
