import type { ClaimGrant } from "@skein/contracts";
import type { ClientPlaces } from "./client-places.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import type { Launch, Runtime } from "./runtimes/runtime.ts";
import type { DataPlace } from "./task/data-place.ts";

/** What an attempt runs on, and where its data lies. */
export interface Host {
  readonly runtime: Omit<Runtime, "name">;
  readonly place: DataPlace;
  /** Lays out what the attempt needs and says what to start; a SkeinError says why nothing can be. */
  prepare(folder: AttemptFolder, grant: ClaimGrant): Promise<Launch>;
  /** Whether its tasks live elsewhere and go on however this process ends. */
  readonly keepsTasks: boolean;
  /** Room beside the slots, where it needs nothing of this machine. */
  readonly places?: ClientPlaces;
}

/** The hosts of an agent: its own runtime, and others that some tasks are for. */
export interface Hosts {
  readonly own: Host;
  readonly others: readonly Host[];
  /** Which host an attempt is for, or was started on. */
  hostOf(folder: AttemptFolder, grant: ClaimGrant): Promise<Host>;
}

/** For an agent that has its own runtime alone. */
export const ownHost = (own: Host): Hosts => ({ own, others: [], hostOf: async () => own });
