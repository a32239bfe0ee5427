/** Flyte 1's services, and gRPC's own health and reflection. */
export * from "#gen/flyteidl/service/admin_pb.js";
export * from "#gen/flyteidl/service/auth_pb.js";
export * from "#gen/flyteidl/service/dataproxy_pb.js";
export * from "#gen/flyteidl/service/identity_pb.js";
export * from "#gen/flyteidl/service/signal_pb.js";
export { http as httpRule } from "#gen/google/api/annotations_pb.js";
export { Health, HealthCheckResponse_ServingStatus, HealthCheckResponseSchema } from "#gen/grpc/health/v1/health_pb.js";
export { ServerReflection as ServerReflectionV1 } from "#gen/grpc/reflection/v1/reflection_pb.js";
export { ServerReflection as ServerReflectionV1Alpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.js";
