/** A binding that cannot be resolved: the node fails with this message. Never leaves the engine. */
export class BindingError extends Error {
  override readonly name = "BindingError";
}
