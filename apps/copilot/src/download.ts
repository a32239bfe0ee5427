import { downloadInputs, type InputFormat, type Stores } from "@skein/copilot";
import { fromBytes } from "@skein/idl";
import { LiteralMapSchema } from "@skein/idl/core";
import { messageOf, writeErrorFile } from "./error-file.ts";
import { within } from "./within.ts";

export interface DownloadFlags {
  readonly fromRemote: string;
  readonly toOutputPrefix: string;
  readonly toLocalDir: string;
  readonly format: Uppercase<InputFormat>;
  readonly fileInputLayout: "DIRECT" | "NAMED_DIR";
  readonly timeout: number;
  readonly errOutputName: string;
}

/** Brings a task's inputs to its folder; answers the exit code. A failure is written where the task's outputs would be. */
export async function download(flags: DownloadFlags, stores: Stores): Promise<number> {
  try {
    const store = await stores.storeOf(flags.fromRemote);
    const work = store.get(flags.fromRemote).then((bytes) =>
      downloadInputs({
        folder: flags.toLocalDir,
        inputs: fromBytes(LiteralMapSchema, bytes),
        format: flags.format.toLowerCase() as InputFormat,
        layout: flags.fileInputLayout === "NAMED_DIR" ? "named" : "direct",
        stores,
      }),
    );
    await within(flags.timeout, "Bringing the inputs", work);
    return 0;
  } catch (error) {
    const failure = { step: "InputDownloadFailed" as const, error };
    process.stderr.write(`The inputs could not be brought: ${messageOf(failure)}\n`);
    await writeErrorFile(stores, `${flags.toOutputPrefix}/${flags.errOutputName}`, failure);
    return 1;
  }
}
