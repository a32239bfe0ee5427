import {
  create,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { invariant, SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import { type Permission, type PermissionRow, RPC_PERMISSIONS, type Tenant } from "../permissions.ts";

/** One unary RPC with its permission; gRPC and REST both call it. */
export interface Rpc {
  readonly method: DescMethodUnary;
  readonly permission: Permission;
  /** Checks the permission, then runs the handler. An RPC without a handler answers `unimplemented`. */
  invoke(request: Message, call: Call): Promise<Message>;
}

/** A service and what implements it. */
export interface BoundService {
  readonly service: DescService;
  readonly rpcs: readonly Rpc[];
}

type AnyHandler = (request: Message, call: Call) => Promise<MessageInitShape<DescMethod["output"]>>;

/** Joins a service's descriptor, its handlers and its rows of the permission table. */
export function bindService<S extends DescService>(service: S, handlers: Flyte1Handlers<S>): BoundService {
  const rpcs = service.methods
    .filter((method): method is DescMethodUnary & DescMethod => method.methodKind === "unary")
    .map((method): Rpc => {
      const row = permissionRow(method);
      const handler = handlers[method.localName as keyof S["method"]] as AnyHandler | undefined;
      return {
        method,
        permission: row.permission,
        async invoke(request, call) {
          call.authorize(row.permission, row.tenant(request));
          if (!handler) throw unimplemented(method);
          return create(method.output, await handler(request, call));
        },
      };
    });
  return { service, rpcs };
}

/** The table's row of a method, for requests whose type is known only at run time. */
export function permissionRow(method: DescMethod): { permission: Permission; tenant: (request: Message) => Tenant } {
  const rows: Readonly<Record<string, Readonly<Record<string, PermissionRow>>>> = RPC_PERMISSIONS;
  const row = rows[method.parent.typeName]?.[method.localName];
  invariant(row, `${method.parent.typeName}/${method.name} has no permission`);
  return row as { permission: Permission; tenant: (request: Message) => Tenant };
}

function unimplemented(method: DescMethod): SkeinError {
  return new SkeinError(
    "unimplemented",
    "rpc_unimplemented",
    `${method.parent.name}.${method.name} is not implemented by this version of Skein.`,
  );
}
