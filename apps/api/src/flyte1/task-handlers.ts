import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ResourceType } from "@skein/idl/core";
import { invalid } from "../registry/identity.ts";
import type { TaskView } from "../registry/task-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { TASK_FIELDS } from "./filters/fields.ts";
import { readListRequest } from "./filters/list-request.ts";
import { readPage } from "./filters/read-page.ts";
import { readVersionId, versionIdentifier } from "./identifiers.ts";
import { listNames, readListScope } from "./named-entity-handlers.ts";

/** Tasks. */
export const taskHandlers = (services: Services): AdminHandlers => {
  const { tasks } = services.registry;
  return {
    async createTask(request, call) {
      const id = readVersionId(request.id, ResourceType.TASK);
      if (!request.spec) throw invalid("spec", "is missing");
      await tasks.register(call, id, request.spec);
      return {};
    },

    async getTask(request, call) {
      return toTask(await tasks.get(call, readVersionId(request.id, ResourceType.TASK)));
    },

    async listTasks(request, call) {
      const query = readListRequest(TASK_FIELDS, request);
      const where = [...readListScope(request.id), ...query.where];
      const { rows, token } = await readPage(query, (range) => tasks.list(call, { ...query, ...range, where }));
      return { tasks: rows.map(toTask), token };
    },

    listTaskIds: (request, call) => listNames(services, "task", request, call),
  };
};

const toTask = (task: TaskView) => ({
  id: versionIdentifier(ResourceType.TASK, task.id),
  closure: { ...task.closure, createdAt: timestampFromDate(task.createdAt) },
  shortDescription: task.shortDescription,
});
