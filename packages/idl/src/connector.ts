/** What flytekit's connectors (Flyte's words before: agents) serve, and the messages they take. */
export * from "#gen/flyteidl/admin/agent_pb.js";
export * from "#gen/flyteidl/service/agent_pb.js";
