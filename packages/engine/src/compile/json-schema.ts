import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const objectAt = (schema: JsonObject, key: string): JsonObject => {
  const value = schema[key];
  return isObject(value) ? value : {};
};

const listAt = (schema: JsonObject, key: string): readonly JsonValue[] => {
  const value = schema[key];
  return Array.isArray(value) ? value : [];
};

/** Compared with sorted keys, since the order of a JSON object's keys means nothing. */
const canonical = (value: JsonValue | undefined): string =>
  JSON.stringify(value, (_key, inner: JsonValue) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  ) ?? "";

/** Follows `#/a/b` references inside `root`. Anything else stays as it is. */
function resolve(root: JsonObject, schema: JsonObject): JsonObject {
  const reference = schema.$ref;
  if (typeof reference !== "string" || !reference.startsWith("#/")) return schema;
  const found = reference
    .slice(2)
    .split("/")
    .reduce<JsonValue | undefined>(
      (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
      root,
    );
  return isObject(found) ? found : schema;
}

interface Side {
  readonly root: JsonObject;
  readonly schema: JsonObject;
}

const inside = ({ root }: Side, schema: JsonValue | undefined): Side => ({
  root,
  schema: isObject(schema) ? schema : {},
});

const optionsOf = (side: Side): Side[] => {
  const options = [...listAt(side.schema, "anyOf"), ...listAt(side.schema, "oneOf")];
  return options.length === 0 ? [side] : options.map((option) => inside(side, option));
};

type Judged = Map<string, boolean>;

function propertiesCover(source: Side, target: Side, judged: Judged): boolean {
  const given = objectAt(source.schema, "properties");
  return Object.entries(objectAt(target.schema, "properties")).every(
    ([name, wanted]) =>
      Object.hasOwn(given, name) && covers(inside(source, given[name]), inside(target, wanted), judged),
  );
}

function plainCovers(source: Side, target: Side, judged: Judged): boolean {
  if (target.schema.type === undefined && target.schema.properties === undefined) return true;
  if (canonical(source.schema.type) !== canonical(target.schema.type)) return false;
  const allowed = listAt(target.schema, "enum").map(canonical);
  const given = listAt(source.schema, "enum").map(canonical);
  if (allowed.length > 0 && (given.length === 0 || given.some((value) => !allowed.includes(value)))) return false;
  if (
    isObject(target.schema.items) &&
    !covers(inside(source, source.schema.items), inside(target, target.schema.items), judged)
  )
    return false;
  return propertiesCover(source, target, judged);
}

/** Schemas may contain themselves: while a pair is being compared, it counts as covered. */
function covers(from: Side, to: Side, judged: Judged): boolean {
  const pair = `${canonical(from.schema)}>${canonical(to.schema)}`;
  const known = judged.get(pair);
  if (known !== undefined) return known;
  judged.set(pair, true);
  const source = { root: from.root, schema: resolve(from.root, from.schema) };
  const target = { root: to.root, schema: resolve(to.root, to.schema) };
  const isCovered = optionsOf(source).every((given) =>
    optionsOf(target).some((wanted) =>
      given === source && wanted === target ? plainCovers(source, target, judged) : covers(given, wanted, judged),
    ),
  );
  judged.set(pair, isCovered);
  return isCovered;
}

/** Whether a value described by `source` has all that `target` asks for: the same schema, or one with more properties. */
export const schemaCovers = (source: JsonObject, target: JsonObject): boolean =>
  canonical(source) === canonical(target) ||
  covers({ root: source, schema: source }, { root: target, schema: target }, new Map());
