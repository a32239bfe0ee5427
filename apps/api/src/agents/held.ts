import { attemptToken, type HeldRequest, type HeldResponse } from "@skein/contracts";
import { type OpenDb, readHeldClaims } from "@skein/db";
import { askedResources } from "@skein/engine";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { TaskTemplateSchema } from "@skein/idl/core";
import type { GrantMaker } from "./make-grants.ts";

/** Grants are heavy: inputs of up to 1 MiB travel in them. */
const PAGE = 100;

/**
 * Answers what an agent holds, with orders and grants as it once had them, though maybe without secrets. Tokens are built
 * again from the key.
 */
export function createHeld(pool: OpenDb["pool"], secretKey: string, grants: GrantMaker) {
  return async ({ agentId, pool: workPool, after }: HeldRequest): Promise<HeldResponse> => {
    const held = await readHeldClaims(pool, { id: agentId, pool: workPool }, after, PAGE);
    const made = await grants.makeAgain(held);
    const attempts = held.map(({ id, kind, shard, startedAtMs }, at) => {
      const grant = made[at];
      invariant(grant, "every held attempt has its grant");
      const asked = askedResources(fromBytes(TaskTemplateSchema, Buffer.from(grant.taskTemplate, "base64")), undefined);
      const order = { ...id, kind, shard, token: attemptToken(secretKey, id), ...(asked ? { resources: asked } : {}) };
      return { order, grant, startedAtMs };
    });
    return { attempts, next: held.length === PAGE ? (held.at(-1)?.id ?? null) : null };
  };
}
