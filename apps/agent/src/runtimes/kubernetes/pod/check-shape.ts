// The models alone: the client around them takes three times as long to load.
import * as models from "@kubernetes/client-node/dist/gen/models/all.js";
import { isJson, type Json } from "./json.ts";

interface Field {
  readonly baseName: string;
  readonly type: string;
}

const LIST = /^Array<(.*)>$/;
/** Amounts, which the models call texts and Kubernetes takes as numbers too. */
const AMOUNT = /\.(limits|requests)\["[^"]*"\]$|\.(sizeLimit|divisor)$/;
const MAP = /^\{ \[key: string\]: (.*); \}$/;

/**
 * What of a manifest Kubernetes would not understand, one sentence each: unknown fields, values of another kind. `type` is
 * a model of the client, such as V1PodSpec. The client itself drops what it does not know, so that nobody would be told.
 */
export function shapeProblems(value: unknown, type: string, path: string): string[] {
  if (value === null || value === undefined) return [];
  const [, item] = LIST.exec(type) ?? [];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} must be a list`];
    return value.flatMap((one, index) => shapeProblems(one, item, `${path}[${index}]`));
  }
  const [, entry] = MAP.exec(type) ?? [];
  if (entry !== undefined) {
    if (!isJson(value)) return [`${path} must be an object`];
    return Object.entries(value).flatMap(([name, one]) =>
      shapeProblems(one, entry, `${path}[${JSON.stringify(name)}]`),
    );
  }
  if (type === "string" || type === "number" || type === "boolean") {
    const isAmount = typeof value === "number" && AMOUNT.test(path);
    return typeof value === type || isAmount ? [] : [`${path} must be a ${type}`];
  }
  const fields = fieldsOf(type);
  return fields ? objectProblems(value, fields, path) : [];
}

function objectProblems(value: unknown, fields: readonly Field[], path: string): string[] {
  if (!isJson(value)) return [`${path} must be an object`];
  return Object.entries(value).flatMap(([name, one]) => {
    const field = fields.find(({ baseName }) => baseName === name);
    return field ? shapeProblems(one, field.type, `${path}.${name}`) : [`${path}.${name} is no field of Kubernetes`];
  });
}

/** Undefined for what is no object of its own: times, and numbers that may be texts. */
function fieldsOf(type: string): readonly Field[] | undefined {
  const model: unknown = (models as Json)[type];
  return typeof model === "function" &&
    "getAttributeTypeMap" in model &&
    typeof model.getAttributeTypeMap === "function"
    ? (model.getAttributeTypeMap() as readonly Field[])
    : undefined;
}
