import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

/** Reads a message; fields that this version does not know are kept and written again by `toBytes`. */
export const fromBytes = <Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> =>
  fromBinary(schema, bytes);

export const toBytes = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array =>
  toBinary(schema, message);
