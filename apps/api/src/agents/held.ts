import { attemptToken, type HeldRequest, type HeldResponse } from "@skein/contracts";
import { type OpenDb, readHeldClaims } from "@skein/db";
import { invariant, SkeinError } from "@skein/errors";
import type { MakeGrants } from "./make-grants.ts";

/** Grants are heavy: inputs of up to 1 MiB travel in them. */
const PAGE = 100;

/** Answers what an agent holds, with orders and grants as it once had them. Tokens are built again from the key. */
export function createHeld(pool: OpenDb["pool"], secretKey: string, makeGrants: MakeGrants) {
  return async ({ agentId, pool: workPool, after }: HeldRequest): Promise<HeldResponse> => {
    const held = await readHeldClaims(pool, { id: agentId, pool: workPool }, after, PAGE);
    const grants = await makeGrants(held);
    const attempts = held.map(({ id, kind, shard, startedAtMs }, at) => {
      const made = grants[at];
      invariant(made, "every held attempt has its grant");
      if ("later" in made) throw new SkeinError("unavailable", "grant_unavailable", made.later);
      return { order: { ...id, kind, shard, token: attemptToken(secretKey, id) }, grant: made.grant, startedAtMs };
    });
    return { attempts, next: held.length === PAGE ? (held.at(-1)?.id ?? null) : null };
  };
}
