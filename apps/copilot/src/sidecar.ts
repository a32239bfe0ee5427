import { type DataFailure, readErrorFile, type Stores, uploadOutputs } from "@skein/copilot";
import { fromBytes, toBytes } from "@skein/idl";
import { LiteralMapSchema, TypedInterfaceSchema } from "@skein/idl/core";
import { messageOf, writeErrorFile } from "./error-file.ts";
import { showPresence } from "./presence.ts";
import { within } from "./within.ts";

export interface SidecarFlags {
  readonly toOutputPrefix: string;
  readonly toRawOutput: string;
  readonly fromLocalDir: string;
  readonly metaOutputName: string;
  readonly errOutputName: string;
  readonly timeout: number;
  /** Where `is-ready` asks. */
  readonly readySocket?: string;
  /** core.TypedInterface in base64. */
  readonly interface: string;
}

const AWAKE_MS = 3_600_000;

/** Stores what a task left, once `ended` says that it is over; answers the exit code. */
export async function sidecar(flags: SidecarFlags, stores: Stores, ended: Promise<void>): Promise<number> {
  // Waiting for a signal alone does not keep Node.js running.
  const awake = setInterval(() => undefined, AWAKE_MS);
  const leave = flags.readySocket === undefined ? undefined : await showPresence(flags.readySocket);
  process.stderr.write("Waiting for the task to end\n");
  await ended;
  leave?.();
  clearInterval(awake);
  const failure = await within(flags.timeout, "Storing the outputs", store(flags, stores)).catch(
    (error: unknown): DataFailure => ({ step: "OutputUploadFailed", error }),
  );
  if (!failure) return 0;
  process.stderr.write(`The outputs were not stored: ${messageOf(failure)}\n`);
  await writeErrorFile(stores, `${flags.toOutputPrefix}/${flags.errOutputName}`, failure);
  return 1;
}

async function store(flags: SidecarFlags, stores: Stores): Promise<DataFailure | undefined> {
  const { outputs } = fromBytes(TypedInterfaceSchema, Buffer.from(flags.interface, "base64"));
  if (Object.keys(outputs?.variables ?? {}).length === 0) {
    const problem = await readErrorFile(flags.fromLocalDir);
    return problem === undefined ? undefined : { problem, isUsers: true };
  }
  const uploaded = await uploadOutputs({
    folder: flags.fromLocalDir,
    declared: outputs,
    rawPrefix: flags.toRawOutput,
    stores,
  });
  if ("problem" in uploaded) return uploaded;
  const uri = `${flags.toOutputPrefix}/${flags.metaOutputName}`;
  await (await stores.storeOf(uri)).put(uri, toBytes(LiteralMapSchema, uploaded.outputs));
  return undefined;
}
