/** Why a try did not reach its target. */
export class DeliveryFailure extends Error {
  override readonly name = "DeliveryFailure";
  /** Another try would end the same way, until a person has changed something. */
  readonly isFinal: boolean;
  /** The target asked not to be tried before. */
  readonly retryAfterMs: number;

  constructor(message: string, options: { readonly isFinal: boolean; readonly retryAfterMs?: number }) {
    super(message);
    this.isFinal = options.isFinal;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}
