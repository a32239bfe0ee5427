/** Who makes a call, as verified at the edge; every transport produces the same shape. */
export interface Caller {
  /** `user`: a person or service with a verified bearer token; `agent` and `run`: tokens we signed; `anonymous`: no verifier is configured. */
  readonly kind: "anonymous" | "user" | "agent" | "run";
  /** Stable id, recorded as principal: the token's `sub`, the agent's id, the run's id, or `anonymous`. */
  readonly subject: string;
  readonly name: string;
  /** Scopes or roles of the token. */
  readonly scopes: readonly string[];
  /** For kind `agent`: the only pool it may serve. */
  readonly pool?: string;
  /** For kind `run`: the only project and domain it may touch. */
  readonly tenant?: { readonly project: string; readonly domain: string };
}
