import type { BoundService } from "../rpcs.ts";
import { type RestRoute, restRoutes } from "./http-rules.ts";

/** A description of the REST addresses. The messages are Flyte's protobuf messages, so it names them and says no more. */
export function openApi(services: readonly BoundService[], version: string) {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of restRoutes(services.flatMap(({ rpcs }) => rpcs))) {
    paths[route.template] = { ...paths[route.template], [route.verb.toLowerCase()]: operation(route) };
  }
  return { openapi: "3.0.3", info: { title: "Skein: Flyte 1 REST API", version }, paths };
}

function operation({ rpc, segments, body }: RestRoute) {
  const { method } = rpc;
  const inPath = segments.flatMap((segment) => ("field" in segment ? [segment.field.join(".")] : []));
  const json = { "application/json": { schema: { type: "object", title: method.input.typeName } } };
  return {
    operationId: method.name,
    tags: [method.parent.name],
    parameters: inPath.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...(body === "" ? {} : { requestBody: { content: json } }),
    responses: {
      200: {
        description: method.output.typeName,
        content: { "application/json": { schema: { type: "object", title: method.output.typeName } } },
      },
    },
  };
}
