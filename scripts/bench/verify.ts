import type { NodeExecution } from "@skein/idl/admin";
import { type Literal, NodeExecution_Phase } from "@skein/idl/core";
import { type AdminClient, outputsOf, TEST_TENANT } from "@skein/testing";

const PAGE = 5_000;

/** The nodes of a run, or of what runs under one of them. */
async function nodesOf(admin: AdminClient, name: string, uniqueParentId = ""): Promise<NodeExecution[]> {
  const nodes: NodeExecution[] = [];
  for (let token = ""; ; ) {
    const page = await admin.listNodeExecutions({
      workflowExecutionId: { ...TEST_TENANT, name },
      uniqueParentId,
      limit: PAGE,
      token,
      sortBy: { key: "created_at", direction: 1 },
    });
    nodes.push(...page.nodeExecutions);
    if (page.token === "") return nodes;
    token = page.token;
  }
}

function integerOf(literal: Literal["value"] | undefined): bigint | undefined {
  if (literal?.case !== "scalar" || literal.value.value.case !== "primitive") return undefined;
  const { value } = literal.value.value.value;
  return value.case === "integer" ? value.value : undefined;
}

function checkNodes(name: string, nodes: readonly NodeExecution[], tasks: number): void {
  const distinct = new Set(nodes.map((node) => node.id?.nodeId));
  const notDone = nodes.filter((node) => node.closure?.phase !== NodeExecution_Phase.SUCCEEDED);
  if (distinct.size !== tasks + 2) throw new Error(`run ${name} has ${distinct.size} nodes, expected ${tasks + 2}`);
  if (notDone.length > 0) throw new Error(`run ${name} has ${notDone.length} nodes that did not succeed`);
}

/** Throws unless the run has exactly `tasks` nodes beside start-node and end-node, all SUCCEEDED, and `x` is `expected`. */
export async function verifyRun(admin: AdminClient, name: string, tasks: number, expected: bigint): Promise<void> {
  checkNodes(name, await nodesOf(admin, name), tasks);
  const x = integerOf((await outputsOf(admin, name))?.literals.x?.value);
  if (x !== expected) throw new Error(`run ${name} put out x=${x}, expected ${expected}`);
}

/** `verifyRun` of a run with one node, under which exactly `tasks` more have succeeded. */
export async function verifyChildren(
  admin: AdminClient,
  name: string,
  nodeId: string,
  tasks: number,
  expected: bigint,
): Promise<void> {
  await verifyRun(admin, name, 1, expected);
  checkNodes(name, await nodesOf(admin, name, nodeId), tasks);
}

/** `verifyRun` of a run with one node, where `x` is a list. */
export async function verifyList(admin: AdminClient, name: string, expected: readonly number[]): Promise<void> {
  checkNodes(name, await nodesOf(admin, name), 1);
  const list = (await outputsOf(admin, name))?.literals.x?.value;
  const x = list?.case === "collection" ? list.value.literals.map(({ value }) => integerOf(value)) : [];
  const wrong = expected.findIndex((value, index) => x[index] !== BigInt(value));
  if (x.length !== expected.length || wrong !== -1) {
    throw new Error(
      `run ${name} put out ${x.length} items, expected ${expected.length}; the first wrong one is ${wrong}`,
    );
  }
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
