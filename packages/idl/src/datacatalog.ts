/** Flyte 1's `datacatalog` service and its messages. */
export * from "#gen/flyteidl/datacatalog/datacatalog_pb.js";
