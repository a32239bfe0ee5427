import { create } from "@bufbuild/protobuf";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";

/** Where a value is kept: in its row, or in the object store. */
export interface ValuePlace {
  readonly data: Uint8Array | null;
  readonly uri: string | null;
  readonly sizeBytes: number;
}

/** A value that no answer has room for: clients download it. */
export interface LargeValue {
  readonly uri: string;
  readonly sizeBytes: number;
}

/** What went in and came out of a run or an action; empty while there is nothing, and for what is in `large`. */
export interface InputsAndOutputs {
  readonly inputs: LiteralMap;
  readonly outputs: LiteralMap;
  readonly large: { readonly inputs?: LargeValue; readonly outputs?: LargeValue };
}

/** flytekit takes no message over 20 MiB, and there is more in an answer than values. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

type Sides = Readonly<Partial<Record<"inputs" | "outputs", ValuePlace | undefined>>>;

/** Loads what an answer has room for; of two values that are too large together the larger one is left to be downloaded. */
export async function readForAnswer(storage: Pick<Storage, "get">, sides: Sides): Promise<InputsAndOutputs> {
  const large: { inputs?: LargeValue; outputs?: LargeValue } = {};
  let room = ANSWER_BYTES_MAX;
  const bySize = (["inputs", "outputs"] as const).toSorted((a, b) => sizeOf(sides[a]) - sizeOf(sides[b]));
  for (const side of bySize) {
    const place = sides[side];
    const sizeBytes = sizeOf(place);
    if (sizeBytes <= room) room -= sizeBytes;
    else if (typeof place?.uri === "string") large[side] = { uri: place.uri, sizeBytes };
  }
  const read = (side: "inputs" | "outputs") => readValue(storage, large[side] ? undefined : sides[side]);
  const [inputs, outputs] = await Promise.all([read("inputs"), read("outputs")]);
  return { inputs, outputs, large };
}

const sizeOf = (place: ValuePlace | undefined): number => place?.sizeBytes ?? 0;

async function readValue(storage: Pick<Storage, "get">, place: ValuePlace | undefined): Promise<LiteralMap> {
  if (!place) return create(LiteralMapSchema);
  if (place.data) return fromBytes(LiteralMapSchema, place.data);
  invariant(place.uri !== null, "a value is in one place");
  return fromBytes(LiteralMapSchema, await storage.get(place.uri, { bytesMax: ANSWER_BYTES_MAX }));
}
