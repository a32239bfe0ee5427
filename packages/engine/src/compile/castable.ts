import {
  SchemaType_SchemaColumn_SchemaColumnType as ColumnType,
  type LiteralType,
  type SchemaType,
  SimpleType,
  type StructuredDatasetType,
} from "@skein/idl/core";
import { schemaCovers } from "./json-schema.ts";

/** Whether a value of this type can only be None. */
export const isNone = (type: LiteralType | undefined): boolean =>
  type?.type.case === "simple" && type.type.value === SimpleType.NONE;

/** Whether None is one of the values of this type. */
export const isOptional = (type: LiteralType): boolean =>
  type.type.case === "unionType" && type.type.value.variants.some(isNone);

const isParquet = (format: string): boolean => format === "" || format.toLowerCase() === "parquet";

const COLUMN_SIMPLE: Record<ColumnType, SimpleType> = {
  [ColumnType.INTEGER]: SimpleType.INTEGER,
  [ColumnType.FLOAT]: SimpleType.FLOAT,
  [ColumnType.STRING]: SimpleType.STRING,
  [ColumnType.BOOLEAN]: SimpleType.BOOLEAN,
  [ColumnType.DATETIME]: SimpleType.DATETIME,
  [ColumnType.DURATION]: SimpleType.DURATION,
};

type Columns = ReadonlyMap<string, LiteralType | SimpleType | undefined>;

const schemaColumns = ({ columns }: SchemaType): Columns =>
  new Map(columns.map(({ name, type }) => [name, COLUMN_SIMPLE[type]]));

const datasetColumns = ({ columns }: StructuredDatasetType): Columns =>
  new Map(columns.map(({ name, literalType }) => [name, literalType]));

const simpleOf = (type: LiteralType | SimpleType | undefined): SimpleType | undefined => {
  if (typeof type !== "object") return type;
  return type.type.case === "simple" ? type.type.value : undefined;
};

/** A table without columns is any table; else each wanted column must be there with its type. */
function columnsFit(given: Columns, wanted: Columns): boolean {
  if (given.size === 0 || wanted.size === 0) return true;
  return [...wanted].every(([name, type]) => {
    const from = given.get(name);
    if (from === undefined) return false;
    if (typeof from === "object" && typeof type === "object") return castable(from, type);
    return simpleOf(from) === simpleOf(type);
  });
}

function fitsSchema(upstream: LiteralType, wanted: SchemaType): boolean {
  const { type } = upstream;
  if (type.case === "schema") return columnsFit(schemaColumns(type.value), schemaColumns(wanted));
  if (type.case !== "structuredDatasetType" || !isParquet(type.value.format)) return false;
  return columnsFit(datasetColumns(type.value), schemaColumns(wanted));
}

function fitsDataset(upstream: LiteralType, wanted: StructuredDatasetType): boolean {
  const { type } = upstream;
  if (isNone(upstream)) return true;
  if (type.case === "schema")
    return isParquet(wanted.format) && columnsFit(schemaColumns(type.value), datasetColumns(wanted));
  if (type.case !== "structuredDatasetType") return false;
  const [given, asked] = [type.value.format.toLowerCase(), wanted.format.toLowerCase()];
  const isSameFormat = given === "" || asked === "" || given === asked;
  return isSameFormat && columnsFit(datasetColumns(type.value), datasetColumns(wanted));
}

function fitsUnion(upstream: LiteralType, variants: readonly LiteralType[]): boolean {
  if (upstream.type.case === "unionType")
    return upstream.type.value.variants.every((from) => variants.some((to) => castable(from, to)));
  return variants.filter((to) => castable(upstream, to)).length === 1;
}

/** Elements of an empty list or map have the type None. */
const elementsFit = (given: LiteralType, wanted: LiteralType): boolean => isNone(given) || castable(given, wanted);

function fitsPlain(upstream: LiteralType, downstream: LiteralType): boolean {
  const [from, to] = [upstream.type, downstream.type];
  const isString = (type: LiteralType["type"]): boolean => type.case === "simple" && type.value === SimpleType.STRING;
  if (from.case === "enumType" && isString(to)) return true;
  if (to.case === "enumType" && isString(from)) return true;
  const tag = upstream.structure?.tag ?? "";
  if (tag !== "" && tag !== (downstream.structure?.tag ?? "")) return false;
  if (from.case === "enumType" && to.case === "enumType")
    return JSON.stringify(from.value.values) === JSON.stringify(to.value.values);
  if (from.case !== "simple" || to.case !== "simple") return from.case === to.case;
  if (from.value !== to.value) return false;
  if (from.value !== SimpleType.STRUCT || !upstream.metadata || !downstream.metadata) return true;
  return schemaCovers(upstream.metadata, downstream.metadata);
}

function fits(upstream: LiteralType, downstream: LiteralType): boolean {
  const [from, to] = [upstream.type, downstream.type];
  switch (to.case) {
    case "collectionType":
      return from.case === "collectionType" && elementsFit(from.value, to.value);
    case "mapValueType":
      return from.case === "mapValueType" && elementsFit(from.value, to.value);
    case "blob":
      if (from.case !== "blob") return false;
      return from.value.format === "" || to.value.format === "" || from.value.format === to.value.format;
    case "schema":
      return fitsSchema(upstream, to.value);
    case "structuredDatasetType":
      return fitsDataset(upstream, to.value);
    case "unionType":
      return fitsUnion(upstream, to.value.variants);
    default:
      return isNone(downstream) ? isNone(upstream) : fitsPlain(upstream, downstream);
  }
}

const onlyVariant = ({ type }: LiteralType): LiteralType | undefined =>
  type.case === "unionType" && type.value.variants.length === 1 ? type.value.variants[0] : undefined;

/** Whether a value of type `upstream` may be given where `downstream` is declared (contract 5.3). */
export function castable(upstream: LiteralType, downstream: LiteralType): boolean {
  const only = onlyVariant(upstream);
  if (!only) return fits(upstream, downstream);
  // A union of one is how a union's literal shows its type: it is its variant, and its choice among others is made.
  let from = only;
  for (let inner = onlyVariant(from); inner; inner = onlyVariant(from)) from = inner;
  const to = downstream.type;
  if (to.case === "unionType" && from.type.case !== "unionType")
    return to.value.variants.some((variant) => castable(from, variant));
  return fits(from, downstream);
}
