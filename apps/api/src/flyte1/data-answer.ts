import type { Storage } from "@skein/storage";
import type { InputsAndOutputs, LargeValue } from "../values/readable-values.ts";

/** How long a client may take to begin with the download of a value. */
const EXPIRES_IN_SECONDS = 3600;

/** Values inline; flytekit follows the URL of one that is too large, which comes without literals. */
export async function toData(storage: Storage, { inputs, outputs, large }: InputsAndOutputs) {
  const [inputBlob, outputBlob] = await Promise.all([toBlob(storage, large.inputs), toBlob(storage, large.outputs)]);
  return { inputs: inputBlob, outputs: outputBlob, fullInputs: inputs, fullOutputs: outputs };
}

async function toBlob(storage: Storage, value: LargeValue | undefined) {
  if (!value) return {};
  return { url: await storage.signDownload(value.uri, EXPIRES_IN_SECONDS), bytes: BigInt(value.sizeBytes) };
}
