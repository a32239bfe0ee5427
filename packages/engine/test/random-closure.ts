import type { CompiledWorkflowClosure } from "@skein/idl/core";
import { closureOf, type NodeSpec, promiseOf, runsWorkflow, type WorkflowSpec } from "./closures.ts";
import type { Random } from "./random.ts";

/** A workflow over random nodes; nodes of levels above 0 may be sub-workflows of the level below. */
function randomWorkflow(random: Random, level: number): WorkflowSpec {
  const nodes: Record<string, NodeSpec> = {};
  const count = random.between(level === 0 ? 0 : 1, 6);
  for (let index = 0; index < count; index += 1) {
    const above = Object.keys(nodes);
    const after = above.filter(() => random.chance(0.3));
    const producer = random.chance(0.3) ? "" : (random.pick(above) ?? "");
    const isNested = level > 0 && random.chance(0.4);
    // A value that nothing produces, or a kind that cannot run, fails its node without an attempt.
    const from = random.chance(0.01) ? "nothing" : "x";
    const target: NodeSpec["target"] = isNested
      ? runsWorkflow(`level${level - 1}`)
      : random.chance(0.01)
        ? { case: "gateNode", value: {} }
        : undefined;
    nodes[`node${index}`] = {
      after,
      inputs: random.chance(0.8) ? { x: promiseOf(producer, from) } : {},
      retries: random.between(0, 2),
      timeoutMs: random.chance(0.3) ? 20 : 0,
      ...(target ? { target } : {}),
    };
  }
  const producer = random.pick(["", ...Object.keys(nodes)]) ?? "";
  return { name: `level${level}`, nodes, outputs: { x: promiseOf(producer) }, isPatient: random.chance(0.4) };
}

/** A random closure with sub-workflows up to two levels deep. */
export function randomClosure(random: Random): CompiledWorkflowClosure {
  const [leaf, middle, top] = [0, 1, 2].map((level) => randomWorkflow(random, level));
  return closureOf(top as WorkflowSpec, [middle as WorkflowSpec, leaf as WorkflowSpec]);
}
