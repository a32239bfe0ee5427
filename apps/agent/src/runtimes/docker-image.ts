import type { ReportedFailure } from "@skein/contracts";
import type Docker from "dockerode";
import { registryCredentials } from "./registry-credentials.ts";

export interface ImageSettings {
  readonly pull: "IfNotPresent" | "Always" | "Never";
  /** Registry credentials in the form of `~/.docker/config.json`. */
  readonly authFile: string | undefined;
}

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
    const { authFile } = settings;
    const authconfig = authFile === undefined ? undefined : await registryCredentials(image, authFile);
    const stream = await docker.pull(image, authconfig ? { authconfig } : {});
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

/** What the image's name stood for when the container was made: the registry's digest, or its id where none is known. */
export async function digestOf(docker: Docker, image: string, imageId: string): Promise<string | undefined> {
  const { Id, RepoDigests } = await docker.getImage(imageId).inspect();
  const repository = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  const digests = (RepoDigests ?? []).map((digest) => digest.split("@"));
  const [, digest] =
    digests.find(([name = ""]) => name === repository || name.endsWith(`/${repository}`)) ?? digests[0] ?? [];
  return digest ?? (Id.startsWith("sha256:") ? Id : `sha256:${Id}`);
}
