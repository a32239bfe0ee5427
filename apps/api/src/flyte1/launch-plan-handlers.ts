import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LaunchPlanState } from "@skein/idl/admin";
import { ResourceType } from "@skein/idl/core";
import { checkText, invalid } from "../registry/identity.ts";
import type { LaunchPlanView } from "../registry/launch-plan-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { LAUNCH_PLAN_FIELDS } from "./filters/fields.ts";
import { readListRequest } from "./filters/list-request.ts";
import { readPage } from "./filters/read-page.ts";
import { readNameId, readVersionId, versionIdentifier } from "./identifiers.ts";
import { listNames, readListScope } from "./named-entity-handlers.ts";

/** Launch plans. */
export const launchPlanHandlers = (services: Services): AdminHandlers => {
  const { launchPlans } = services.registry;
  return {
    async createLaunchPlan(request, call) {
      const id = readVersionId(request.id, ResourceType.LAUNCH_PLAN);
      if (!request.spec) throw invalid("spec", "is missing");
      await launchPlans.register(call, id, request.spec);
      return {};
    },

    async getLaunchPlan(request, call) {
      return toLaunchPlan(await launchPlans.get(call, readVersionId(request.id, ResourceType.LAUNCH_PLAN)));
    },

    async getActiveLaunchPlan(request, call) {
      return toLaunchPlan(await launchPlans.getActive(call, readNameId(request.id)));
    },

    async listActiveLaunchPlans(request, call) {
      checkText("project", request.project);
      checkText("domain", request.domain);
      const query = readListRequest(LAUNCH_PLAN_FIELDS, request);
      const where = [
        { field: "project", operator: "eq", values: [request.project] },
        { field: "domain", operator: "eq", values: [request.domain] },
        { field: "state", operator: "eq", values: ["active"] },
      ] as const;
      const { rows, token } = await readPage(query, (range) => launchPlans.list(call, { ...query, ...range, where }));
      return { launchPlans: rows.map(toLaunchPlan), token };
    },

    async listLaunchPlans(request, call) {
      const query = readListRequest(LAUNCH_PLAN_FIELDS, request);
      const where = [...readListScope(request.id), ...query.where];
      const { rows, token } = await readPage(query, (range) => launchPlans.list(call, { ...query, ...range, where }));
      return { launchPlans: rows.map(toLaunchPlan), token };
    },

    listLaunchPlanIds: (request, call) => listNames(services, "launch_plan", request, call),

    async updateLaunchPlan(request, call) {
      const id = readVersionId(request.id, ResourceType.LAUNCH_PLAN);
      if (request.state !== LaunchPlanState.ACTIVE && request.state !== LaunchPlanState.INACTIVE) {
        throw invalid("state", `is ${request.state}: use ACTIVE or INACTIVE`);
      }
      await launchPlans.setState(call, id, request.state === LaunchPlanState.ACTIVE ? "active" : "inactive");
      return {};
    },
  };
};

const toLaunchPlan = (plan: LaunchPlanView) => ({
  id: versionIdentifier(ResourceType.LAUNCH_PLAN, plan.id),
  spec: plan.spec,
  closure: {
    ...plan.closure,
    state: plan.state === "active" ? LaunchPlanState.ACTIVE : LaunchPlanState.INACTIVE,
    createdAt: timestampFromDate(plan.createdAt),
    updatedAt: timestampFromDate(plan.updatedAt),
  },
});
