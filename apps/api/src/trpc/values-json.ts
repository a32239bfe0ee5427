import type { Storage } from "@skein/storage";
import type { InputsAndOutputs, LargeValue } from "../values/readable-values.ts";
import { toPlainMap } from "./plain-literal.ts";

const EXPIRES_IN_SECONDS = 3600;

/** Values as plain JSON. What no answer has room for is empty there and has the signed URL of a serialized literal map. */
export async function toValuesJson(storage: Storage, { inputs, outputs, large }: InputsAndOutputs) {
  const [largeInputs, largeOutputs] = await Promise.all([
    toLink(storage, large.inputs),
    toLink(storage, large.outputs),
  ]);
  return {
    inputs: toPlainMap(inputs),
    outputs: toPlainMap(outputs),
    large: { inputs: largeInputs, outputs: largeOutputs },
  };
}

async function toLink(storage: Storage, value: LargeValue | undefined) {
  if (!value) return null;
  return { signedUrl: await storage.signDownload(value.uri, EXPIRES_IN_SECONDS), sizeBytes: value.sizeBytes };
}
