import { create, equals } from "@bufbuild/protobuf";
import {
  answerGates,
  type Db,
  EVENTS_CHANNEL,
  type GateRow,
  type ListQuery,
  listGates,
  listSignals,
  type NameId,
  type Notifier,
  type SignalField,
  type SignalRow,
} from "@skein/db";
import { literalFits, literalTypeOf, typeName } from "@skein/engine";
import { invariant, SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type Literal,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  LiteralTypeSchema,
  type Node,
} from "@skein/idl/core";
import type { Call } from "../call.ts";
import { checkText, invalid, storableText } from "../registry/identity.ts";

/** A signal as Flyte knows it: for each id of a run there is one. */
export interface SignalView {
  readonly signalId: string;
  readonly type: LiteralType;
  /** Undefined while a gate waits for it. */
  readonly value: Literal | undefined;
}

/** One gate that asks for a signal; several may ask for the same one. */
export interface GateView extends SignalView {
  readonly action: string;
  readonly isApproval: boolean;
  /** `closed`: its gate ended without an answer. */
  readonly state: "waiting" | "answered" | "closed";
  readonly setBy: string | null;
  readonly setAt: Date | null;
  readonly createdAt: Date;
}

export interface SignalAnswer {
  readonly signalId: string;
  readonly value: Literal;
  /** Answers only this gate; without it all gates that wait for the signal. */
  readonly action?: string | undefined;
}

export interface SignalDependencies {
  readonly db: Db;
  readonly notifier: Notifier;
  readonly getRun: (call: Call, id: NameId) => Promise<{ readonly id: string }>;
  readonly findNode: (
    call: Call,
    place: { readonly runId: string; readonly ordinal: number },
  ) => Promise<Node | undefined>;
}

/** Answers stand in rows. */
const VALUE_BYTES_MAX = 1024 * 1024;
/** How many gates may wait for one signal at once. */
const GATES_MAX = 10_000;

/**
 * Questions that gates of runs ask, and their answers. An answer goes to every gate that waits for its id at that moment; a
 * gate that is reached later asks anew, also where it asks for the same id (in a dynamic workflow, say).
 */
export function signalService({ db, notifier, getRun, findNode }: SignalDependencies) {
  const gatesOf = async (call: Call, run: NameId, { signalId, action }: Pick<SignalAnswer, "signalId" | "action">) => {
    checkText("id.signal_id", signalId);
    const { id } = await getRun(call, run);
    const gates = await listGates(db, id, { signalId, limit: GATES_MAX, offset: 0 });
    return { runId: id, gates: gates.filter((gate) => action === undefined || gate.action === action) };
  };

  const handOut = async (call: Call, gate: GateRow, value: Literal) => {
    if (gate.isApproval) return { ordinal: gate.ordinal, outputs: new Uint8Array() };
    const name = outputNameOf(await findNode(call, gate));
    invariant(name !== undefined, `gate ${gate.action} of run ${gate.runId} hands out a value`);
    const map = create(LiteralMapSchema, { literals: { [name]: value } });
    return { ordinal: gate.ordinal, outputs: toBytes(LiteralMapSchema, map) };
  };

  return {
    async list(call: Call, run: NameId, query: ListQuery<SignalField>): Promise<SignalView[]> {
      const { id } = await getRun(call, run);
      return (await listSignals(db, id, query)).map(toSignal);
    },

    async listGates(call: Call, run: NameId, page: { limit: number; offset: number }): Promise<GateView[]> {
      const { id } = await getRun(call, run);
      return (await listGates(db, id, page)).map(toGate);
    },

    /** The gates that ask for a signal; invalid_argument when none has done so yet. */
    async find(call: Call, run: NameId, signalId: string, action?: string): Promise<GateView[]> {
      const { gates } = await gatesOf(call, run, { signalId, action });
      if (gates.length === 0) throw unknown(run, signalId);
      return gates.map(toGate);
    },

    /** The first answer counts: giving it again is harmless, giving another one is failed_precondition. */
    async set(call: Call, run: NameId, answer: SignalAnswer): Promise<void> {
      const value = toBytes(LiteralSchema, answer.value);
      if (value.length > VALUE_BYTES_MAX) throw invalid("value", `is larger than ${VALUE_BYTES_MAX} bytes`);
      const { runId, gates } = await gatesOf(call, run, answer);
      if (gates.length === 0) throw unknown(run, answer.signalId);
      const waiting = gates.filter(({ isWaiting }) => isWaiting);
      for (const gate of waiting) checkType(gate, answer.value);
      const answered =
        waiting.length === 0
          ? []
          : await answerGates(db.$client, {
              runId,
              value,
              isApproved: isTrue(answer.value),
              principal: storableText(call.caller.subject),
              atMs: Date.now(),
              gates: await Promise.all(waiting.map((gate) => handOut(call, gate, answer.value))),
            });
      if (answered.length > 0) notifier.notify(EVENTS_CHANNEL);
      // Somebody else may have been first since the gates were read.
      else checkSame(run, answer, (await gatesOf(call, run, answer)).gates);
    },
  };
}

function outputNameOf(node: Node | undefined): string | undefined {
  const condition = node?.target.case === "gateNode" ? node.target.value.condition : undefined;
  return condition?.case === "signal" ? condition.value.outputVariableName : undefined;
}

const isTrue = ({ value: literal }: Literal): boolean => {
  const scalar = literal.case === "scalar" ? literal.value.value : undefined;
  const primitive = scalar?.case === "primitive" ? scalar.value.value : undefined;
  return primitive?.case === "boolean" && primitive.value;
};

function checkType({ signalId, type }: GateRow, value: Literal): void {
  const wanted = fromBytes(LiteralTypeSchema, type);
  if (literalFits(value, wanted)) return;
  const found = literalTypeOf(value);
  const got = found ? typeName(found) : "a value that this server does not know";
  throw invalid("value", `of signal "${signalId}" must be ${typeName(wanted)}, but got ${got}`);
}

/** Passes where the last answer that was taken is the one given now. */
function checkSame({ name }: NameId, { signalId, value }: SignalAnswer, gates: readonly GateRow[]): void {
  const last = gates.filter((gate) => gate.value !== null).sort((a, b) => timeOf(b) - timeOf(a))[0];
  if (!last?.value) {
    const message = `Signal "${signalId}" of run ${name} is not waited for any more: its gate has ended.`;
    throw new SkeinError("failed_precondition", "signal_closed", message);
  }
  if (equals(LiteralSchema, fromBytes(LiteralSchema, last.value), value)) return;
  const message = `Signal "${signalId}" of run ${name} has been set already by ${last.setBy}, to another value.`;
  throw new SkeinError("failed_precondition", "signal_set", message);
}

const timeOf = ({ setAt }: GateRow): number => setAt?.getTime() ?? 0;

const unknown = ({ name }: NameId, signalId: string): SkeinError =>
  invalid("id.signal_id", `is "${signalId}": run ${name} has reached no gate that asks for it`);

const toSignal = ({ signalId, type, value }: Pick<SignalRow, "signalId" | "type" | "value">): SignalView => ({
  signalId,
  type: fromBytes(LiteralTypeSchema, type),
  value: value ? fromBytes(LiteralSchema, value) : undefined,
});

const toGate = (gate: GateRow): GateView => ({
  ...toSignal(gate),
  action: gate.action,
  isApproval: gate.isApproval,
  state: gate.isWaiting ? "waiting" : gate.value ? "answered" : "closed",
  setBy: gate.setBy,
  setAt: gate.setAt,
  createdAt: gate.createdAt,
});
