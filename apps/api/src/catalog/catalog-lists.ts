import type { CacheDatasetField, CachePartition, ListArtifacts, ListCondition, ListQuery, VersionId } from "@skein/db";
import {
  type FilterExpression,
  type ListArtifactsRequest,
  type ListDatasetsRequest,
  type PaginationOptions,
  PaginationOptions_SortOrder as SortOrder,
} from "@skein/idl/datacatalog";
import { invalid } from "../registry/identity.ts";
import { checkStorable } from "./catalog-errors.ts";

const DATASETS_MAX = 1_000;
/** Each may hold a megabyte. */
const ARTIFACTS_MAX = 100;

/** Artifacts are filtered by tag, partition and id. */
export function readArtifactList(dataset: VersionId, request: ListArtifactsRequest): ListArtifacts {
  const partitions: CachePartition[] = [];
  const only: { id?: string; tag?: string } = {};
  for (const filter of filtersOf(request.filter)) {
    const { property } = filter.value;
    if (property.case === undefined) throw unfiltered(filter.case);
    if (property.case === "keyVal") {
      checkStorable("filter", property.value.key + property.value.value);
      partitions.push({ key: property.value.key, value: property.value.value });
      continue;
    }
    checkStorable("filter", property.value);
    if (property.case === "tagName") only.tag = property.value;
    else if (property.case === "artifactId") only.id = property.value;
    else throw invalid("filter", "is by dataset: the request names its dataset already");
  }
  return { dataset, partitions, ...only, ...readPage(request.pagination, ARTIFACTS_MAX) };
}

/** Datasets are filtered by the parts of their id. */
export function readDatasetList(request: ListDatasetsRequest): ListQuery<CacheDatasetField> {
  const where = filtersOf(request.filter).flatMap(({ case: kind, value }): ListCondition<CacheDatasetField>[] => {
    if (kind !== "datasetFilter") throw invalid("filter", "is not by dataset: only datasets are listed here");
    const { property } = value;
    if (property.case === undefined) throw unfiltered(kind);
    checkStorable("filter", property.value);
    // There is one organization, the empty one.
    if (property.case === "org") return [];
    return [{ field: property.case, operator: "eq", values: [property.value] }];
  });
  const { oldestFirst, ...page } = readPage(request.pagination, DATASETS_MAX);
  return { where, sort: { field: "createdAt", descending: !oldestFirst }, ...page };
}

type Filter = Exclude<FilterExpression["filters"][number]["propertyFilter"], { case: undefined }>;

const filtersOf = (expression: FilterExpression | undefined): Filter[] =>
  (expression?.filters ?? []).map(({ propertyFilter }) => {
    if (propertyFilter.case === undefined) throw unfiltered("filter");
    return propertyFilter;
  });

const unfiltered = (field: string) => invalid(field, "is empty: say what to filter by");

/** Newest first unless asked otherwise; a page of `limit` rows, from the row on that the token counts to. */
function readPage(pagination: PaginationOptions | undefined, limitMax: number) {
  const { limit = 0, token = "", sortOrder = SortOrder.DESCENDING } = pagination ?? {};
  if (!/^\d{0,9}$/.test(token)) throw invalid("pagination.token", `is "${token}": give the token of an answer`);
  return {
    oldestFirst: sortOrder === SortOrder.ASCENDING,
    limit: limit === 0 ? limitMax : Math.min(limit, limitMax),
    offset: Number(token),
  };
}
