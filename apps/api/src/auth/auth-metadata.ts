import { SkeinError } from "@skein/errors";
import type { AuthMetadataService, IdentityService } from "@skein/idl/service";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import type { Discovery } from "./discovery.ts";

const SCOPES = ["all", "offline"];

/** How Flyte's clients learn where to log in. They may ask before they have a token. */
export const authMetadataHandlers = (options: {
  readonly discovery: Discovery | undefined;
  readonly audience: string | undefined;
  readonly publicUrl: () => string;
}): Flyte1Handlers<typeof AuthMetadataService> => ({
  async getOAuth2Metadata() {
    if (!options.discovery) {
      throw new SkeinError(
        "unimplemented",
        "no_identity_provider",
        "This server takes calls without a token: it has no identity provider (SKEIN_AUTH_ISSUER).",
      );
    }
    const provider = await options.discovery.read();
    return {
      issuer: provider.issuer,
      authorizationEndpoint: provider.authorization_endpoint ?? "",
      tokenEndpoint: provider.token_endpoint ?? "",
      deviceAuthorizationEndpoint: provider.device_authorization_endpoint ?? "",
      jwksUri: provider.jwks_uri,
      responseTypesSupported: ["code"],
      scopesSupported: SCOPES,
      tokenEndpointAuthMethodsSupported: ["client_secret_basic"],
      codeChallengeMethodsSupported: ["S256"],
      grantTypesSupported: ["client_credentials", "refresh_token", "authorization_code"],
    };
  },
  async getPublicClientConfig() {
    return {
      clientId: "flytectl",
      redirectUri: "http://localhost:53593/callback",
      scopes: SCOPES,
      authorizationMetadataKey: "flyte-authorization",
      serviceHttpEndpoint: options.publicUrl(),
      audience: options.audience ?? "",
    };
  },
});

/** Who the caller is, in OpenID Connect's words. */
export const identityHandlers = (): Flyte1Handlers<typeof IdentityService> => ({
  userInfo: async (_request, { caller }) => ({
    subject: caller.subject,
    name: caller.name,
    preferredUsername: caller.name,
  }),
});
