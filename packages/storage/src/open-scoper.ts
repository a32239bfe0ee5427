import type { CredentialScoper, ScoperOptions } from "./s3/scoped-credentials.ts";

/** Opens what makes credentials for single tasks. The SDK is loaded for those who need it. */
export async function openCredentialScoper(options: ScoperOptions): Promise<CredentialScoper> {
  const { openScoper } = await import("./s3/scoped-credentials.ts");
  return openScoper(options);
}
