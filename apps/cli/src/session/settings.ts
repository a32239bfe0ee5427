import { readFileSync } from "node:fs";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import type { Profile, ProfilesFile } from "./profiles.ts";

/** Options that every command of a server has. */
export interface ServerOptions {
  readonly server?: string;
  readonly profile?: string;
  readonly project?: string;
  readonly domain?: string;
}

/** Where a command goes, and as whom. */
export interface Settings {
  readonly server: string;
  readonly project: string;
  readonly domain: string;
  readonly token: string | undefined;
  /** The profile that was taken. */
  readonly profile: string | undefined;
}

export const DEFAULTS = { server: "http://localhost:8088", project: "flytesnacks", domain: "development" } as const;

/**
 * An option counts before the environment, that before the profile, that before the default. A profile's token goes to
 * the profile's own server and nowhere else.
 */
export function resolveSettings(options: ServerOptions, environment: Environment, file: ProfilesFile): Settings {
  const name = options.profile ?? (environment.SKEIN_PROFILE || file.current);
  const profile = profileOf(name, file);
  const server = trimmed(options.server ?? (environment.SKEIN_API_URL || profile.server || DEFAULTS.server));
  const isProfilesServer = server === trimmed(profile.server ?? DEFAULTS.server);
  return {
    server,
    project: options.project ?? (environment.SKEIN_PROJECT || profile.project || DEFAULTS.project),
    domain: options.domain ?? (environment.SKEIN_DOMAIN || profile.domain || DEFAULTS.domain),
    token: environment.SKEIN_TOKEN || (isProfilesServer ? tokenOf(profile) : undefined),
    profile: name,
  };
}

function profileOf(name: string | undefined, { profiles }: ProfilesFile): Profile {
  if (name === undefined) return {};
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile) return profile;
  const known = Object.keys(profiles).join(", ") || "none";
  const message = `There is no profile ${name}; known are: ${known}. Make one: skein config set ${name} --server URL`;
  throw new SkeinError("invalid_argument", "profile_not_found", message);
}

function tokenOf({ token, tokenFile }: Profile): string | undefined {
  if (tokenFile === undefined) return token;
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (cause) {
    const message = `The profile's tokenFile cannot be read: ${(cause as Error).message}`;
    throw new SkeinError("invalid_argument", "file_unreadable", message, { cause });
  }
}

const trimmed = (url: string): string => url.replace(/\/+$/, "");
