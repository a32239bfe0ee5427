import type { NameId, SignalField } from "@skein/db";
import { castable, typeName } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { SignalIdentifier } from "@skein/idl/core";
import type { SignalService } from "@skein/idl/service";
import { checkText, invalid } from "../registry/identity.ts";
import type { Services } from "../services.ts";
import type { SignalView } from "../signals/signal-service.ts";
import { type FlyteListFields, nextToken, readListRequest } from "./filters/list-request.ts";
import type { Flyte1Handlers } from "./handlers.ts";
import { readRunId } from "./identifiers.ts";

const SIGNAL_FIELDS: FlyteListFields<SignalField> = {
  entity: "signal",
  own: { signal_id: { kind: "text", field: "signalId" }, created_at: { kind: "time", field: "createdAt" } },
};

/** Flyte 1's SignalService: what gates wait for. */
export const signalHandlers = ({ signals }: Services): Flyte1Handlers<typeof SignalService> => ({
  /** Gates are reached by runs alone, so there is nothing to create: what has not been asked for is not found. */
  async getOrCreateSignal(request, call) {
    const { run, signalId } = readSignalId(request.id);
    const where = [{ field: "signalId", operator: "eq", values: [signalId] }] as const;
    const [signal] = await signals.list(call, run, { where, limit: 1, offset: 0 });
    if (!signal) {
      const message = `Signal "${signalId}" of run ${run.name} does not exist: no gate has asked for it yet.`;
      throw new SkeinError("not_found", "signal_not_found", message);
    }
    if (request.type && !castable(request.type, signal.type)) {
      throw invalid("type", `is ${typeName(request.type)}: the gate asks for ${typeName(signal.type)}`);
    }
    return toSignal(run, signal);
  },

  async listSignals(request, call) {
    const run = readRunId(request.workflowExecutionId, "workflow_execution_id");
    const query = readListRequest(SIGNAL_FIELDS, request);
    const rows = await signals.list(call, run, query);
    return { signals: rows.map((signal) => toSignal(run, signal)), token: nextToken(query, rows.length) };
  },

  async setSignal(request, call) {
    const { run, signalId } = readSignalId(request.id);
    if (!request.value) throw invalid("value", "is missing: give the answer");
    await signals.set(call, run, { signalId, value: request.value });
    return {};
  },
});

function readSignalId(id: SignalIdentifier | undefined): { readonly run: NameId; readonly signalId: string } {
  if (!id) throw invalid("id", "is missing: name the execution and the signal");
  checkText("id.signal_id", id.signalId);
  return { run: readRunId(id.executionId, "id.execution_id"), signalId: id.signalId };
}

const toSignal = (run: NameId, { signalId, type, value }: SignalView) => ({
  id: { signalId, executionId: { ...run } },
  type,
  ...(value ? { value } : {}),
});
