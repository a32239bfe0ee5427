import type { NodeExecution } from "@skein/idl/admin";
import { type LiteralMap, NodeExecution_Phase } from "@skein/idl/core";
import { type AdminClient, outputsOf, TEST_TENANT } from "@skein/testing";

const PAGE = 5_000;

async function nodesOf(admin: AdminClient, name: string): Promise<NodeExecution[]> {
  const nodes: NodeExecution[] = [];
  for (let token = ""; ; ) {
    const page = await admin.listNodeExecutions({
      workflowExecutionId: { ...TEST_TENANT, name },
      limit: PAGE,
      token,
      sortBy: { key: "created_at", direction: 1 },
    });
    nodes.push(...page.nodeExecutions);
    if (page.token === "") return nodes;
    token = page.token;
  }
}

function integerOf(outputs: LiteralMap | undefined, name: string): bigint | undefined {
  const literal = outputs?.literals[name]?.value;
  if (literal?.case !== "scalar" || literal.value.value.case !== "primitive") return undefined;
  const { value } = literal.value.value.value;
  return value.case === "integer" ? value.value : undefined;
}

/** Throws unless the run has exactly `tasks` task nodes beside start-node and end-node, all SUCCEEDED, and `x` is `expected`. */
export async function verifyRun(admin: AdminClient, name: string, tasks: number, expected: bigint): Promise<void> {
  const nodes = await nodesOf(admin, name);
  const distinct = new Set(nodes.map((node) => node.id?.nodeId));
  const notDone = nodes.filter((node) => node.closure?.phase !== NodeExecution_Phase.SUCCEEDED);
  if (distinct.size !== tasks + 2) throw new Error(`run ${name} has ${distinct.size} nodes, expected ${tasks + 2}`);
  if (notDone.length > 0) throw new Error(`run ${name} has ${notDone.length} nodes that did not succeed`);
  const x = integerOf(await outputsOf(admin, name), "x");
  if (x !== expected) throw new Error(`run ${name} put out x=${x}, expected ${expected}`);
}

/** `verifyRun` over many runs, a few at a time. */
export async function verifyRuns(
  admin: AdminClient,
  names: readonly string[],
  tasks: number,
  expected: bigint,
): Promise<void> {
  const waiting = [...names];
  const worker = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      await verifyRun(admin, name, tasks, expected);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
}
