import type { FastifyReply, FastifyRequest } from "fastify";
import type { Call } from "../../call.ts";
import { ROUTE_PERMISSIONS, type RouteName } from "../../permissions.ts";
import type { Access } from "../access.ts";
import { headOf } from "./head.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply, call: Call) => unknown;

/** A plain HTTP route behind its row of the permission table. */
export const guarded =
  (access: Access, route: RouteName, handler: Handler) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const permission = ROUTE_PERMISSIONS[route];
    const call = await access.openCall(permission, headOf(request, reply));
    call.authorize(permission, {});
    return handler(request, reply, call);
  };
