import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ListCondition, NameId } from "@skein/db";
import { ExecutionMetadataSchema, type ExecutionSpec, ExecutionState, SystemMetadataSchema } from "@skein/idl/admin";
import { ResourceType, WorkflowExecutionIdentifierSchema } from "@skein/idl/core";
import { checkText, invalid } from "../registry/identity.ts";
import { toMode } from "../runs/run-modes.ts";
import type { RunView } from "../runs/run-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { toData } from "./data-answer.ts";
import { toExecutionError } from "./execution-error.ts";
import { EXECUTION_FIELDS } from "./filters/fields.ts";
import { readListRequest } from "./filters/list-request.ts";
import { readPage } from "./filters/read-page.ts";
import { readRunId, versionIdentifier } from "./identifiers.ts";
import { toMoments } from "./moments.ts";
import { RUN_PHASE } from "./phases.ts";

/** Executions: our runs. */
export const executionHandlers = (services: Services): AdminHandlers => {
  const { runs } = services;
  return {
    async createExecution(request, call) {
      if (!request.spec) throw invalid("spec", "is missing: name what to launch");
      const { project, domain, name, spec, inputs } = request;
      return { id: await runs.launch(call, { project, domain, name, spec, inputs }) };
    },

    async relaunchExecution(request, call) {
      const reference = readRunId(request.id);
      const { name, overwriteCache } = request;
      return { id: await runs.relaunch(call, { reference, name, overwriteCache }) };
    },

    /** `metadata` is for an engine outside: who started a run is known here. */
    async recoverExecution(request, call) {
      return { id: await runs.recover(call, { reference: readRunId(request.id), name: request.name }) };
    },

    async getExecution(request, call) {
      const run = await runs.get(call, readRunId(request.id));
      return toExecution(services, run, await runs.findReference(call, run), false);
    },

    async listExecutions(request, call) {
      checkText("id.project", request.id?.project ?? "");
      checkText("id.domain", request.id?.domain ?? "");
      const query = readListRequest(EXECUTION_FIELDS, request);
      const isArchiveAsked = query.parsed.some(
        ({ entity, field }) => field === "state" && (entity === undefined || entity === "execution"),
      );
      const scope: ListCondition<"project" | "domain" | "state">[] = [
        { field: "project", operator: "eq", values: [request.id?.project ?? ""] },
        { field: "domain", operator: "eq", values: [request.id?.domain ?? ""] },
        ...(isArchiveAsked ? [] : [{ field: "state", operator: "eq", values: ["active"] } as const]),
      ];
      const where = [...scope, ...query.where];
      const { rows, token } = await readPage(query, (range) => runs.list(call, { ...query, ...range, where }));
      return { executions: rows.map((run) => toExecution(services, run, undefined, true)), token };
    },

    async updateExecution(request, call) {
      const id = readRunId(request.id);
      if (request.state !== ExecutionState.EXECUTION_ACTIVE && request.state !== ExecutionState.EXECUTION_ARCHIVED) {
        throw invalid("state", `is ${request.state}: use EXECUTION_ACTIVE or EXECUTION_ARCHIVED`);
      }
      await runs.setState(call, id, request.state === ExecutionState.EXECUTION_ARCHIVED ? "archived" : "active");
      return {};
    },

    async terminateExecution(request, call) {
      await runs.abort(call, readRunId(request.id), request.cause);
      return {};
    },

    async getExecutionData(request, call) {
      return toData(services.storage, await runs.data(call, readRunId(request.id)));
    },
  };
};

function toExecution(services: Services, run: RunView, reference: NameId | undefined, isListed: boolean) {
  return {
    id: { project: run.project, domain: run.domain, name: run.name },
    spec: toSpec(services, run, reference),
    closure: {
      phase: RUN_PHASE[run.phase],
      outputResult: toOutputResult(services, run, isListed),
      ...toMoments(run),
      workflowId: versionIdentifier(ResourceType.WORKFLOW, run.workflow),
      notifications: notificationsOf(run.spec),
      stateChangeDetails: {
        state: run.state === "archived" ? ExecutionState.EXECUTION_ARCHIVED : ExecutionState.EXECUTION_ACTIVE,
        occurredAt: timestampFromDate(run.stateChangedAt ?? run.createdAt),
        principal: run.stateChangedBy ?? run.principal,
      },
    },
  };
}

/** The spec as merged at launch, with what the server knows better than the request did. */
function toSpec({ config }: Services, run: RunView, reference: NameId | undefined): ExecutionSpec {
  const metadata = run.spec.metadata ?? create(ExecutionMetadataSchema);
  metadata.mode = toMode(run.mode);
  metadata.principal = run.principal;
  metadata.systemMetadata = create(SystemMetadataSchema, {
    executionCluster: run.cluster || config.cluster,
    namespace: `${run.project}-${run.domain}`,
  });
  if (reference) metadata.referenceExecution = create(WorkflowExecutionIdentifierSchema, { ...reference });
  return { ...run.spec, metadata };
}

function toOutputResult({ storage }: Services, run: RunView, isListed: boolean) {
  const error = toExecutionError(run, isListed);
  if (run.abortCause !== null) {
    const value = { cause: run.abortCause, principal: run.abortPrincipal ?? "" };
    return { case: "abortMetadata" as const, value };
  }
  if (error) return { case: "error" as const, value: error };
  if (run.phase !== "succeeded") return { case: undefined };
  const uri = storage.join("meta", run.project, run.domain, run.name, "end-node", "outputs.pb");
  return { case: "outputs" as const, value: { data: { case: "uri" as const, value: uri } } };
}

const notificationsOf = (spec: ExecutionSpec) =>
  spec.notificationOverrides.case === "notifications" ? spec.notificationOverrides.value.notifications : [];
