/** Flyte 1's `flyteidl.cacheservice` service and its messages. */
export * from "#gen/flyteidl/cacheservice/cacheservice_pb.js";
