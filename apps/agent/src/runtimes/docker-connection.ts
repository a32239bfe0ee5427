import { userInfo } from "node:os";
import { SkeinError } from "@skein/errors";
import Docker from "dockerode";

/** What a daemon says of itself, as far as anything depends on it. */
export interface DaemonInfo {
  readonly host: string;
  readonly version: string;
  readonly processors: number;
  readonly cgroupVersion: string;
  readonly isRootless: boolean;
}

interface Answer {
  readonly NCPU?: number;
  readonly ServerVersion?: string;
  readonly CgroupVersion?: string;
  readonly SecurityOptions?: readonly string[];
}

/** Where daemons listen unless told otherwise: Docker, rootless Docker, rootless podman, podman. */
export const usualHosts = (runtimeFolder: string | undefined): string[] => {
  const own =
    runtimeFolder === undefined ? [] : [`${runtimeFolder}/docker.sock`, `${runtimeFolder}/podman/podman.sock`];
  return ["/var/run/docker.sock", ...own, "/run/podman/podman.sock"].map((path) => `unix://${path}`);
};

/**
 * Connects to the daemon at `host`, or to the first of the usual ones that answers; failed_precondition says for each place
 * what is wrong there and what to do.
 */
export async function connectDocker(
  host: string | undefined,
  runtimeFolder: string | undefined,
): Promise<{ docker: Docker; info: DaemonInfo }> {
  const problems: string[] = [];
  for (const candidate of host === undefined ? usualHosts(runtimeFolder) : [host]) {
    const docker = new Docker(connectionOf(candidate));
    try {
      const answer: Answer = await docker.info();
      return { docker, info: infoOf(candidate, answer) };
    } catch (error) {
      problems.push(problemAt(candidate, error as NodeJS.ErrnoException));
    }
  }
  throw new SkeinError(
    "failed_precondition",
    "docker_unavailable",
    `No Docker daemon answers: ${problems.join("; ")}. Install and start Docker or podman on this machine, or set DOCKER_HOST`,
  );
}

const infoOf = (host: string, answer: Answer): DaemonInfo => ({
  host,
  version: answer.ServerVersion ?? "unknown",
  processors: answer.NCPU ?? 1,
  cgroupVersion: answer.CgroupVersion ?? "unknown",
  isRootless: (answer.SecurityOptions ?? []).some((option) => option.includes("rootless")),
});

function problemAt(host: string, error: NodeJS.ErrnoException): string {
  const path = /^unix:\/\/(.+)$/.exec(host)?.[1];
  if (path !== undefined && error.code === "ENOENT") return `${host} is not there`;
  if (path === undefined || error.code !== "EACCES") return `${host} does not answer (${error.message})`;
  const { username } = userInfo();
  return `${host} may not be used by the account ${username}: add it to the socket's group (usermod -aG "$(stat -c %G ${path})" ${username}) and start the agent anew`;
}

function connectionOf(host: string): Docker.DockerOptions {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const tcp = /^tcp:\/\/([^:/]+):(\d+)$/.exec(host);
  if (tcp?.[1] !== undefined) return { protocol: "http", host: tcp[1], port: Number(tcp[2]) };
  throw new SkeinError(
    "invalid_argument",
    "docker_host_invalid",
    `DOCKER_HOST ${JSON.stringify(host)} must be unix:///path/to.sock or tcp://host:port`,
  );
}
