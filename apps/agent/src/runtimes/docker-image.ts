import { readFile } from "node:fs/promises";
import type { ReportedFailure } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import type Docker from "dockerode";
import { z } from "zod";

export interface ImageSettings {
  readonly pull: "IfNotPresent" | "Always" | "Never";
  /** Registry credentials in the form of `~/.docker/config.json`. */
  readonly authFile: string | undefined;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** Makes sure that the daemon has the image; answers the failure when it cannot be had. */
export async function ensureImage(
  docker: Docker,
  image: string,
  settings: ImageSettings,
): Promise<ReportedFailure | undefined> {
  if (image === "")
    return { code: "InvalidTask", message: "The task names no image", kind: "user", recoverable: false };
  if (settings.pull !== "Always" && (await isPresent(docker, image))) return undefined;
  if (settings.pull === "Never") {
    const message = `The image ${image} is not on this machine, and SKEIN_DOCKER_PULL=Never forbids to pull it`;
    return { code: "ImagePullFailed", message, kind: "user", recoverable: false };
  }
  try {
    const stream = await docker.pull(image, await authOptions(image, settings.authFile));
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
    });
    return undefined;
  } catch (error) {
    return pullFailure(image, error as Error);
  }
}

async function isPresent(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

function pullFailure(image: string, error: Error): ReportedFailure {
  const message = `The image ${image} could not be pulled: ${error.message}`.slice(0, 4_000);
  const isFinal = /not found|denied|unauthorized|invalid reference|manifest unknown/i.test(error.message);
  return { code: "ImagePullFailed", message, kind: isFinal ? "user" : "system", recoverable: !isFinal };
}

const AuthFile = z.object({ auths: z.record(z.string(), z.object({ auth: z.string().optional() })) });

async function authOptions(image: string, authFile: string | undefined): Promise<{ authconfig?: object }> {
  if (authFile === undefined) return {};
  const auths = await readAuths(authFile);
  const registry = registryOf(image);
  const entry =
    auths[registry] ?? auths[`https://${registry}`] ?? (registry === DOCKER_HUB ? auths[DOCKER_HUB_KEY] : undefined);
  const [, username, password] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(entry?.auth ?? "", "base64").toString()) ?? [];
  if (username === undefined) return {};
  const serveraddress = registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry;
  return { authconfig: { username, password, serveraddress } };
}

async function readAuths(authFile: string): Promise<z.infer<typeof AuthFile>["auths"]> {
  try {
    return AuthFile.parse(JSON.parse(await readFile(authFile, "utf8"))).auths;
  } catch (error) {
    const message = `SKEIN_DOCKER_AUTH_FILE ${authFile} cannot be used as registry credentials`;
    throw new SkeinError("failed_precondition", "docker_auth_file_invalid", message, { cause: error });
  }
}

/** The part before the first slash, when it looks like a host. */
export function registryOf(image: string): string {
  const first = image.split("/")[0] ?? "";
  return image.includes("/") && (/[.:]/.test(first) || first === "localhost") ? first : DOCKER_HUB;
}
