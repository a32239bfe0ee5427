import { SkeinError } from "@skein/errors";
import { type Json, listOf } from "./json.ts";
import { mapContainers } from "./pod-draft.ts";

/** Adds a volume of the platform's and mounts it into some containers; a place that the pod uses itself is an error. */
export function addVolume(spec: Json, volume: Json, mount: Json, isFor: (container: unknown) => boolean): Json {
  const volumes = listOf(spec.volumes);
  if (volumes.some(({ name }) => name === volume.name)) {
    throw taken(`the volume ${JSON.stringify(volume.name)}`);
  }
  const mounted = mapContainers(spec, (container) => (isFor(container.name) ? mountInto(container, mount) : container));
  return { ...mounted, volumes: [...volumes, volume] };
}

function mountInto(container: Json, mount: Json): Json {
  const mounts = listOf(container.volumeMounts);
  if (mounts.some(({ mountPath }) => mountPath === mount.mountPath)) {
    throw taken(`the path ${mount.mountPath} of the container ${JSON.stringify(container.name)}`);
  }
  return { ...container, volumeMounts: [...mounts, mount] };
}

const taken = (what: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "volume_taken",
    `The platform needs ${what} for itself; name the pod's own otherwise`,
  );
