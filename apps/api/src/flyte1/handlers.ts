import type { DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "../call.ts";

/**
 * One implementation of a service, for every transport (gRPC, Connect, REST). A method that is absent answers
 * UNIMPLEMENTED. A handler throws `SkeinError`; anything else reaches the client as an internal error.
 */
export type Flyte1Handlers<S extends DescService> = {
  readonly [Name in keyof S["method"]]?: (
    request: MessageShape<S["method"][Name]["input"]>,
    call: Call,
  ) => Promise<MessageInitShape<S["method"][Name]["output"]>>;
};
