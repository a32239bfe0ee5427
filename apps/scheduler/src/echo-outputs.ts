import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GraphNode } from "@skein/engine";
import type { TaskTemplate } from "@skein/idl/core";
import { LiteralMapSchema } from "@skein/idl/core";

/** Templates belong to programs, which live as long as somebody runs them. Null where inputs and outputs have the same names. */
const known = new WeakMap<TaskTemplate, ReadonlyMap<string, string> | null>();

/**
 * What an echo hands back, under the names of its outputs. flytekit numbers them (`o0`, `o1`, …): where a name is not one
 * of the inputs', the names are paired in the order of the alphabet. Any other task's outputs are left as they are.
 */
export function underOutputNames({ target }: Pick<GraphNode, "target">, data: Uint8Array): Uint8Array {
  if (target.kind !== "task" || target.task.orderKind !== "echo") return data;
  const names = outputNames(target.task.template);
  if (names === null) return data;
  const { literals } = fromBinary(LiteralMapSchema, data);
  const renamed = Object.entries(literals).map(([name, literal]) => [names.get(name) ?? name, literal]);
  return toBinary(LiteralMapSchema, create(LiteralMapSchema, { literals: Object.fromEntries(renamed) }));
}

function outputNames(template: TaskTemplate): ReadonlyMap<string, string> | null {
  const found = known.get(template);
  if (found !== undefined) return found;
  const inputs = Object.keys(template.interface?.inputs?.variables ?? {}).toSorted();
  const outputs = Object.keys(template.interface?.outputs?.variables ?? {}).toSorted();
  const areSame = outputs.every((name) => inputs.includes(name));
  const names = areSame
    ? null
    : new Map(inputs.flatMap((name, index) => (outputs[index] ? [[name, outputs[index]] as const] : [])));
  known.set(template, names);
  return names;
}
