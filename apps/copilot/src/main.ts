// First: a signal that comes before somebody listens for it does not reach the first process of a container at all.
import "./told-to-end.ts";
import { readDuration } from "@skein/copilot";
import { SkeinError } from "@skein/errors";
import { Command, InvalidArgumentError, Option } from "commander";
import { openStoresOf } from "./config.ts";
import { type DownloadFlags, download } from "./download.ts";
import { isPresent } from "./presence.ts";
import { type SidecarFlags, sidecar } from "./sidecar.ts";
import { toldToEnd } from "./told-to-end.ts";

const HOUR = "1h";

const place = (text: string): string => text.replace(/\/+$/, "");

function milliseconds(text: string): number {
  const nanos = readDuration(text);
  if (nanos === undefined || nanos < 0n) throw new InvalidArgumentError("A duration is, for example, 90s or 1h30m.");
  return Number(nanos / 1_000_000n);
}

const timeout = (what: string): Option =>
  new Option("-t, --timeout <duration>", `how long ${what} may take`).argParser(milliseconds).default(3_600_000, HOUR);
const format = (): Option =>
  new Option("-m, --format <format>", "the document beside the files")
    .choices(["JSON", "YAML", "PROTO"])
    .default("JSON");
const errorName = (): Option =>
  new Option("--err-output-name <name>", "the name of the error document").default("error.pb");

const program = new Command("copilot")
  .description("Moves data between an object store and the plain files of a program that knows nothing of either")
  .showHelpAfterError();

program
  .command("download")
  .description("Bring a task's inputs to a folder, and end")
  .requiredOption("-f, --from-remote <uri>", "inputs.pb in the object store")
  .requiredOption("--to-output-prefix <uri>", "where an error document goes", place)
  .requiredOption("-o, --to-local-dir <folder>", "where the files go")
  .addOption(format())
  .addOption(new Option("--file-input-layout <layout>").choices(["DIRECT", "NAMED_DIR"]).default("DIRECT"))
  .addOption(timeout("downloads"))
  .addOption(errorName())
  .option("-i, --input-interface <base64>", "core.VariableMap; the inputs say all that is needed")
  .addOption(
    new Option("-d, --download-mode <mode>")
      .choices(["DOWNLOAD_EAGER", "DOWNLOAD_STREAM", "DO_NOT_DOWNLOAD"])
      .hideHelp(),
  )
  .action(async (flags: DownloadFlags) => {
    void toldToEnd.then(() => process.exit(143));
    process.exit(await download(flags, await openStoresOf(process.env)));
  });

program
  .command("sidecar")
  .description("Wait for SIGTERM, which says that the task is over, and store what it left")
  .requiredOption("-o, --to-output-prefix <uri>", "where outputs.pb or an error document goes", place)
  .requiredOption("-x, --to-raw-output <uri>", "where files and folders go", place)
  .requiredOption("-f, --from-local-dir <folder>", "where the task leaves its files")
  .requiredOption("-i, --interface <base64>", "core.TypedInterface of the task")
  .option("--ready-socket <name>", "answer `is-ready` under this name")
  .option("--meta-output-name <name>", "the name of the outputs document", "outputs.pb")
  .addOption(timeout("uploads"))
  .addOption(errorName())
  .addOption(format().hideHelp())
  .addOption(new Option("-u, --upload-mode <mode>").hideHelp())
  .addOption(new Option("--start-timeout <duration>").hideHelp())
  .addOption(new Option("--start-watcher-type <type>").hideHelp())
  .addOption(new Option("--exit-watcher-type <type>").hideHelp())
  .action(async (flags: SidecarFlags) => {
    process.exit(await sidecar(flags, await openStoresOf(process.env), toldToEnd));
  });

program
  .command("is-ready")
  .description("Say by the exit code whether a sidecar of the same machine or pod has begun to wait")
  .requiredOption("--ready-socket <name>", "the name it was given")
  .action(async ({ readySocket }: { readonly readySocket: string }) => {
    process.exit((await isPresent(readySocket)) ? 0 : 1);
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SkeinError ? error.message : String((error as Error).stack)}\n`);
  process.exit(1);
});
