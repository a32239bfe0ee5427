import { type ClaimRequest, type ClaimResponse, tokenHash } from "@skein/contracts";
import { claimAttempts, type OpenDb } from "@skein/db";
import { invariant } from "@skein/errors";
import type { GrantMaker } from "./make-grants.ts";

/** Decides claims and puts together what granted attempts need. */
export function createClaim(pool: OpenDb["pool"], grants: GrantMaker) {
  return async ({ agentId, pool: workPool, attempts }: ClaimRequest): Promise<ClaimResponse> => {
    const wanted = attempts.map(({ token, ...id }) => ({ ...id, tokenHash: tokenHash(token) }));
    const verdicts = await claimAttempts(pool, agentId, workPool, wanted);
    const granted = verdicts.flatMap((verdict, index) => {
      const id = attempts[index];
      invariant(id, "a claim has as many verdicts as attempts");
      return verdict.granted ? [{ id, claimed: verdict.granted }] : [];
    });
    const made = await grants.make(granted);
    let at = 0;
    const results = verdicts.map((verdict) => {
      if (!verdict.granted) return { refused: verdict.refused };
      const grant = made[at++];
      invariant(grant, "every granted attempt has its grant");
      return "grant" in grant ? { granted: grant.grant } : grant;
    });
    return { results };
  };
}
