import { lchown, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";

/**
 * Who a container runs as: `image`, what its image says; `given`, what the configuration says; `made`, an account that
 * neither the image nor this machine needs to know, so it has no home but the attempt's.
 */
export type ContainerUser =
  | { readonly type: "image" }
  | { readonly type: "given"; readonly user: string }
  | { readonly type: "made"; readonly uid: number; readonly gid: number };

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** What distroless images call `nonroot`: on no machine anybody's own. */
const NOBODYS: Account = { uid: 65_532, gid: 65_532 };

/** `setting` is SKEIN_DOCKER_USER; with `auto` nothing runs as root unless it must, for an image's own wish for root does not count. */
export function chooseUser(setting: string, imageUser: string, agent: Account): ContainerUser {
  if (setting === "image") return { type: "image" };
  if (setting !== "auto") return { type: "given", user: setting };
  if (!isRoot(imageUser)) return { type: "image" };
  return { type: "made", ...(agent.uid === 0 ? NOBODYS : agent) };
}

/** An image without a user runs as root. */
function isRoot(imageUser: string): boolean {
  const [user = ""] = imageUser.split(":");
  return user === "root" || /^0*$/.test(user);
}

/** Makes the account the owner of all that the task sees of the attempt's folder. Only before the task starts: it could lay links. */
export async function giveFolders(folder: AttemptFolder, { uid, gid }: Account): Promise<void> {
  for (const top of [folder.in, folder.out, folder.work, folder.tmp]) {
    for (const name of ["", ...(await readdir(top, { recursive: true }))]) await lchown(join(top, name), uid, gid);
  }
}
