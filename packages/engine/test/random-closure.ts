import { create } from "@bufbuild/protobuf";
import { CompiledLaunchPlanSchema, type CompiledWorkflowClosure, Resources_ResourceName } from "@skein/idl/core";
import {
  closureOf,
  INTEGER,
  type NodeSpec,
  type NodeTargetInit,
  promiseOf,
  runsTask,
  runsWorkflow,
  testId,
  type WorkflowSpec,
} from "./closures.ts";
import type { Random } from "./random.ts";
import { asksApproval, asksValue, chooses, launches, type MapOptions, maps, sleeps, when } from "./targets.ts";

/** The task whose attempts may write a workflow instead of outputs. */
export const DYNAMIC_TASK = "p:d:dyn:v";

const OUTPUT = { outputs: { variables: { x: { type: INTEGER } } } };
/** One MiB, which may grow. */
const CONTAINER = {
  case: "container" as const,
  value: { resources: { requests: [{ name: Resources_ResourceName.MEMORY, value: "1Mi" }] } },
};
const TASKS = [
  { id: testId("work"), type: "t", interface: OUTPUT, target: CONTAINER },
  { id: testId("cached"), type: "t", interface: OUTPUT, metadata: { discoverable: true, discoveryVersion: "1" } },
  { id: testId("dyn"), type: "t", interface: OUTPUT },
];

/** What a node hands out as `x`. */
type Hands = "integer" | "list" | "nothing";

interface Made {
  readonly target: NodeTargetInit;
  readonly hands: Hands;
}

/** Makes one random workflow. Levels above 0 may contain workflows of the level below. */
class WorkflowMaker {
  readonly #random: Random;
  readonly #level: number;
  readonly #hands = new Map<string, Hands>([["", "integer"]]);

  constructor(random: Random, level: number) {
    this.#random = random;
    this.#level = level;
  }

  make(countMax: number): WorkflowSpec {
    const random = this.#random;
    const nodes: Record<string, NodeSpec> = {};
    const count = random.between(this.#level === 0 ? 0 : 2, countMax);
    for (let index = 0; index < count; index += 1) {
      const id = `n${index}`;
      const { target, hands } = this.#target(0);
      nodes[id] = { ...this.#node(target), after: Object.keys(nodes).filter(() => random.chance(0.25)) };
      this.#hands.set(id, hands);
    }
    return {
      name: `level${this.#level}`,
      nodes,
      outputs: { x: promiseOf(this.#producer("integer")) },
      isPatient: random.chance(0.4),
      ...(random.chance(0.5) ? { onFailure: this.#node(this.#target(1).target) } : {}),
    };
  }

  /** A node around a target. A value that nothing produces fails its node before it begins. */
  #node(target: NodeTargetInit): NodeSpec {
    const random = this.#random;
    const from = random.chance(0.005) ? "nothing" : "x";
    const isMap = target.case === "arrayNode";
    const isLess = target.case === "taskNode" && random.chance(0.15);
    const x = isMap ? this.#list(from) : promiseOf(this.#producer("integer"), from);
    return {
      inputs: isLess ? {} : { x },
      retries: random.between(0, 2),
      timeoutMs: random.chance(0.1) ? random.between(20, 60) : 0,
      target,
    };
  }

  #producer(wanted: Hands): string {
    const random = this.#random;
    const fitting = [...this.#hands].filter(([, hands]) => hands === wanted || random.chance(0.01));
    return random.pick(fitting)?.[0] ?? "";
  }

  #list(from: string): ReturnType<typeof promiseOf> {
    const random = this.#random;
    if (random.chance(0.01)) return promiseOf("", from);
    const lists = [...this.#hands].filter(([, hands]) => hands === "list");
    if (lists.length > 0 && random.chance(0.4)) return promiseOf(random.pick(lists)?.[0] ?? "", from);
    const bindings = Array.from({ length: random.between(0, 5) }, () => promiseOf(this.#producer("integer"), from));
    return { value: { case: "collection", value: { bindings } } };
  }

  #target(depth: number): Made {
    const dice = this.#random.next();
    if (dice < 0.5 || depth > 2) return { target: this.#runnable(), hands: "integer" };
    if (dice < 0.62) return this.#gate();
    if (dice < 0.8) return this.#branch(depth);
    if (dice < 0.995) return { target: maps(this.#runnable(), this.#mapOptions()), hands: "list" };
    return { target: { case: "gateNode", value: {} }, hands: "nothing" };
  }

  /** What may also be mapped. */
  #runnable(): NodeTargetInit {
    const dice = this.#random.next();
    if (dice < 0.4) return runsTask("work");
    if (dice < 0.55) return runsTask("cached");
    if (dice < 0.65) return runsTask("dyn");
    if (dice < 0.8 || this.#level === 0) return launches("plan");
    return runsWorkflow(`level${this.#level - 1}`);
  }

  #gate(): Made {
    const dice = this.#random.next();
    if (dice < 0.3) return { target: sleeps(this.#random.between(0, 30)), hands: "nothing" };
    if (dice < 0.65) return { target: asksValue("value"), hands: "integer" };
    return { target: asksApproval("approval"), hands: "integer" };
  }

  #branch(depth: number): Made {
    const random = this.#random;
    const made: Made[] = [];
    const then = (): NodeSpec => {
      const inner = this.#target(depth + 1);
      made.push(inner);
      return this.#node(inner.target);
    };
    const condition = () => when("x", random.pick(["EQ", "NEQ", "GT", "LTE"] as const) ?? "EQ", random.between(0, 3));
    const cases: Parameters<typeof chooses>[0] = {
      first: [condition(), then()],
      ...(random.chance(0.4) ? { second: [condition(), then()] as const } : {}),
    };
    const dice = random.next();
    const otherwise = dice < 0.85 ? { id: "third", node: then() } : dice < 0.95 ? { fails: "no case" } : undefined;
    const [first] = made;
    const isAlike = first && made.every(({ hands }) => hands === first.hands);
    return { target: chooses(cases, otherwise), hands: isAlike ? first.hands : "nothing" };
  }

  #mapOptions(): MapOptions {
    const random = this.#random;
    const dice = random.next();
    return {
      parallelism: random.between(0, 3),
      isSplit: random.chance(0.5),
      retries: random.between(0, 1),
      ...(dice < 0.2 ? { minSuccesses: random.between(0, 3) } : dice < 0.5 ? { minSuccessRatio: random.next() } : {}),
    };
  }
}

function closureOfLevels(random: Random, level: number, countMax: number): CompiledWorkflowClosure {
  const make = (of: number): WorkflowSpec => new WorkflowMaker(random, of).make(of === level ? countMax : 4);
  const below = Array.from({ length: level }, (_, of) => make(of));
  const closure = closureOf(make(level), below, TASKS);
  closure.launchPlans.push(create(CompiledLaunchPlanSchema, { template: { id: testId("plan"), interface: OUTPUT } }));
  return closure;
}

/** A random closure of every kind of node, with sub-workflows up to two levels deep. */
export const randomClosure = (random: Random): CompiledWorkflowClosure => closureOfLevels(random, 2, 8);

/** What a dynamic task writes: smaller, and with sub-workflows one level deep at most. */
export const randomExpansion = (random: Random): CompiledWorkflowClosure =>
  closureOfLevels(random, random.between(0, 1), 2);
