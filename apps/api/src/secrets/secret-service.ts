import {
  countSecretsToRotate,
  type Db,
  deleteSecret,
  insertSecret,
  listSecrets,
  listSecretsToRotate,
  newestSecretVersion,
  replaceDataKey,
  type SecretListing,
  type SecretName,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import { checkSecretName, type Keyring, SECRET_BYTES_MAX } from "@skein/secrets";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { invalid } from "../registry/identity.ts";

/** Whose secret, and which. Project or domain left out: that of every project, or of every domain. */
export interface SecretId {
  readonly project?: string | undefined;
  readonly domain?: string | undefined;
  /** Left out for secrets that are known by a key alone. */
  readonly group?: string | undefined;
  readonly key: string;
}

export interface Rotation {
  /** Versions that are under the first master key now and were not before. */
  readonly rotated: number;
  /** Versions whose master key this server does not have. */
  readonly failed: number;
  /** Versions that are still under another master key: call again. */
  readonly left: number;
}

/** Until organisations exist there is one, without a name. */
const ORG = "";
const SET_TRIES = 5;
const ROTATE_BATCH = 100;
/** One call of `rotate` ends in a moment, whatever there is. */
const ROTATE_MAX = 1_000;

/** Rules for the secrets that people keep here. Values go in and come out only in the grant of a claim. */
export function secretService({
  db,
  keyring,
  projects,
}: {
  readonly db: Db;
  readonly keyring: Keyring;
  readonly projects: Pick<ProjectService, "get" | "domains">;
}) {
  return {
    /** Adds a version, which tasks get from their next claim on. Answers its number. */
    async set(call: Call, id: SecretId, value: Uint8Array): Promise<{ readonly version: number }> {
      const name = toName(id);
      checkValue(value);
      await requireScope(call, name, projects);
      for (let tries = 0; tries < SET_TRIES; tries += 1) {
        const version = (await newestSecretVersion(db, name)) + 1;
        const sealed = await keyring.close({ ...name, version }, value);
        if (await insertSecret(db, { ...name, version, ...sealed, createdBy: call.caller.subject })) return { version };
      }
      const message = "Others set the same secret again and again: try once more.";
      throw new SkeinError("aborted", "secret_contended", message);
    },

    /** All versions. What runs already keeps what it was given. */
    async remove(_call: Call, id: SecretId): Promise<void> {
      const name = toName(id);
      if ((await deleteSecret(db, name)) > 0) return;
      const message = `There is no secret ${[name.group, name.key].filter(Boolean).join("/")} ${scopeText(name)}.`;
      throw new SkeinError("not_found", "secret_not_found", message);
    },

    /** Names, never values. With a project or domain: what tasks there can get, everybody's included. */
    list: (
      _call: Call,
      scope: Pick<SecretId, "project" | "domain">,
      page: { readonly limit: number; readonly offset: number },
    ): Promise<SecretListing[]> => listSecrets(db, { org: ORG, ...scope }, page),

    /** Puts data keys under the first master key, up to a thousand of them. Whenever it stops, it can be called again. */
    async rotate(_call: Call): Promise<Rotation> {
      const { currentId } = keyring;
      if (currentId === undefined) throw new SkeinError("failed_precondition", "secret_keys_missing", NO_KEYS);
      let rotated = 0;
      let failed = 0;
      while (rotated + failed < ROTATE_MAX) {
        const rows = await listSecretsToRotate(db, currentId, { limit: ROTATE_BATCH, offset: failed });
        if (rows.length === 0) break;
        for (const row of rows) {
          const sealed = await keyring.rewrap(row, row).catch(unreadable);
          if (sealed) await replaceDataKey(db, row, sealed);
          if (sealed) rotated += 1;
          else failed += 1;
        }
      }
      return { rotated, failed, left: await countSecretsToRotate(db, currentId) };
    },
  };
}

const NO_KEYS =
  "There is no master key to put secrets under: set SKEIN_SECRETS_KEY_FILE, SKEIN_SECRETS_KEYS or SKEIN_SECRETS_KMS_KEY.";

/** One that is under a key we do not have, or was changed, must not keep the others from being rotated. */
function unreadable(error: unknown): undefined {
  if (error instanceof SkeinError && error.code === "failed_precondition") return undefined;
  throw error;
}

function toName({ project = "", domain = "", group = "", key }: SecretId): SecretName {
  if (group !== "") checkSecretName("group", group);
  checkSecretName("key", key);
  return { org: ORG, project, domain, group, key };
}

function checkValue(value: Uint8Array): void {
  if (value.length === 0) throw invalid("value", "is empty: give it at least one byte");
  if (value.length <= SECRET_BYTES_MAX) return;
  throw invalid("value", `has ${value.length} bytes: at most ${SECRET_BYTES_MAX} are allowed`);
}

async function requireScope(
  call: Call,
  { project, domain }: SecretName,
  projects: Pick<ProjectService, "get" | "domains">,
): Promise<void> {
  if (project !== "") await projects.get(call, project);
  if (domain === "") return;
  const known = (await projects.domains(call)).map(({ id }) => id);
  if (!known.includes(domain)) throw invalid("domain", `${domain} does not exist: use one of ${known.join(", ")}`);
}

function scopeText({ project, domain }: SecretName): string {
  const parts = [project && `project ${project}`, domain && `domain ${domain}`].filter(Boolean);
  return parts.length === 0 ? "for all projects" : `of ${parts.join(", ")}`;
}
