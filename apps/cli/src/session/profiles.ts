import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { parse, stringify } from "yaml";
import { z } from "zod";

const text = z.string("must be a text").min(1, "must not be empty");

/** What stands for the options of every command. */
export const Profile = z.strictObject({
  server: z.url({ protocol: /^https?$/, error: "must be a URL such as http://localhost:8088" }).optional(),
  project: text.optional(),
  domain: text.optional(),
  token: text.optional(),
  tokenFile: text.optional(),
});
export type Profile = z.output<typeof Profile>;

export const ProfilesFile = z.strictObject({
  /** The profile that counts where none is named. */
  current: text.optional(),
  profiles: z
    .record(z.string().regex(/^[\w.-]{1,64}$/, "must be letters, digits, dots and dashes"), Profile)
    .default({}),
});
export type ProfilesFile = z.output<typeof ProfilesFile>;

/** `$SKEIN_CONFIG`, or `skein/config.yaml` where programs of this user keep theirs. */
export function profilesPath({ SKEIN_CONFIG, XDG_CONFIG_HOME, HOME }: Environment): string {
  return SKEIN_CONFIG || join(XDG_CONFIG_HOME || join(HOME || homedir(), ".config"), "skein", "config.yaml");
}

/** The file's profiles; none where there is no file. */
export function readProfiles(path: string): ProfilesFile {
  if (!existsSync(path)) return { profiles: {} };
  try {
    return ProfilesFile.parse(parse(readFileSync(path, "utf8")) ?? {});
  } catch (cause) {
    const why =
      cause instanceof z.ZodError
        ? cause.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`).join("; ")
        : (cause as Error).message;
    throw new SkeinError(
      "invalid_argument",
      "profiles_unreadable",
      `${path}: ${why}. Correct the file, or remove it.`,
      {
        cause,
      },
    );
  }
}

/** Replaces the file as a whole. It may hold tokens, so only its owner reads it. */
export function writeProfiles(path: string, file: ProfilesFile): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.${process.pid}`;
  writeFileSync(next, stringify(file), { mode: 0o600 });
  renameSync(next, path);
}
