import { BlobType_BlobDimensionality, type LiteralType, SimpleType } from "@skein/idl/core";

const SIMPLE_NAMES: Record<SimpleType, string> = {
  [SimpleType.NONE]: "None",
  [SimpleType.INTEGER]: "int",
  [SimpleType.FLOAT]: "float",
  [SimpleType.STRING]: "str",
  [SimpleType.BOOLEAN]: "bool",
  [SimpleType.DATETIME]: "datetime",
  [SimpleType.DURATION]: "timedelta",
  [SimpleType.BINARY]: "binary",
  [SimpleType.ERROR]: "error",
  [SimpleType.STRUCT]: "struct",
};

function structName({ metadata }: LiteralType): string {
  const title = metadata?.title;
  return typeof title === "string" && title !== "" ? title : SIMPLE_NAMES[SimpleType.STRUCT];
}

/** A union in the words of a Python user. */
export const unionName = (variants: readonly LiteralType[]): string => variants.map(typeName).join(" | ");

/** A type in the words of a Python user: `int`, `list[str]`, `dict[str, float]`, `int | None`. */
export function typeName(type: LiteralType | undefined): string {
  const inner = type?.type;
  switch (inner?.case) {
    case "simple":
      return type && inner.value === SimpleType.STRUCT
        ? structName(type)
        : (SIMPLE_NAMES[inner.value] ?? `simple type ${inner.value}`);
    case "collectionType":
      return `list[${typeName(inner.value)}]`;
    case "mapValueType":
      return `dict[str, ${typeName(inner.value)}]`;
    case "blob": {
      const { dimensionality, format } = inner.value;
      const what = dimensionality === BlobType_BlobDimensionality.MULTIPART ? "directory" : "file";
      return format === "" ? what : `${what}[${format}]`;
    }
    case "enumType":
      return `enum(${inner.value.values.join(", ")})`;
    case "schema":
      return "schema";
    case "structuredDatasetType":
      return inner.value.format === "" ? "dataset" : `dataset[${inner.value.format}]`;
    case "unionType":
      return unionName(inner.value.variants);
    default:
      inner?.case satisfies undefined;
      return "unknown";
  }
}
