import { fromBinary } from "@bufbuild/protobuf";
import { typeName } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { type Literal, LiteralSchema, type LiteralType } from "@skein/idl/core";
import { z } from "zod";
import type { GateView } from "../signals/signal-service.ts";
import { procedure, router } from "./base.ts";
import { ByName, Page, PlainJson, pageOf, word } from "./inputs.ts";
import { literalFromPlain } from "./literal-from-plain.ts";
import { toPlain } from "./plain-literal.ts";

const Answer = ByName.extend({
  signal: word("signal's id"),
  /** Answers only this gate; without it all gates that wait for the signal. */
  action: word("action's name").optional(),
  /** Plain JSON of the type that the gate asks for; true or false for an approval. */
  value: PlainJson.optional(),
  /** A serialized `flyteidl.core.Literal` in base64, for what JSON cannot say. */
  valueProto: z.base64().optional(),
}).refine(({ value, valueProto }) => (value === undefined) !== (valueProto === undefined), "give value or valueProto");
type Answer = z.output<typeof Answer>;

const toGateJson = (gate: GateView) => ({
  signal: gate.signalId,
  action: gate.action,
  state: gate.state,
  isApproval: gate.isApproval,
  type: typeName(gate.type),
  value: gate.value ? toPlain(gate.value) : null,
  setBy: gate.setBy,
  setAt: gate.setAt?.toISOString() ?? null,
  createdAt: gate.createdAt.toISOString(),
});

/** What gates of runs wait for, and the answers. */
export const signalsRouter = router({
  /** Every gate that asked for something, also those that have their answer; oldest first. */
  list: procedure.input(ByName.extend(Page.shape)).query(async ({ ctx, input: { limit, cursor, ...run } }) => {
    const gates = await ctx.services.signals.listGates(ctx.call, run, { limit, offset: cursor });
    return pageOf(gates.map(toGateJson), { limit, cursor });
  }),

  set: procedure.input(Answer).mutation(async ({ ctx, input }) => {
    const { project, domain, name, signal: signalId, action } = input;
    const run = { project, domain, name };
    const gates = await ctx.services.signals.find(ctx.call, run, signalId, action);
    const asking = gates.find(({ state }) => state === "waiting") ?? gates[0];
    await ctx.services.signals.set(ctx.call, run, { signalId, action, value: readValue(input, asking?.type) });
    return { isSet: true };
  }),
});

function readValue({ value, valueProto }: Answer, type: LiteralType | undefined): Literal {
  if (valueProto === undefined && type) return literalFromPlain(type, value ?? null, "value");
  try {
    return fromBinary(LiteralSchema, Buffer.from(valueProto ?? "", "base64"));
  } catch (error) {
    throw new SkeinError("invalid_argument", "invalid_input", "valueProto: it is not a flyteidl.core.Literal.", {
      cause: error,
    });
  }
}
