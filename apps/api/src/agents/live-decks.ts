import { DECK_FILE, type HeartbeatRequest } from "@skein/contracts";
import { findHeldPlaces, type OpenDb, recordDeck } from "@skein/db";
import { attemptOutputPrefix, type Storage } from "@skein/storage";

/**
 * Shows the decks of tasks that still run; false when there is nothing new. Where a deck lies is ours to say: an agent
 * only says that it is there, of an attempt that it holds.
 */
export async function noteDecks(
  pool: OpenDb["pool"],
  storage: Pick<Storage, "join">,
  { agentId, decks }: Pick<HeartbeatRequest, "agentId" | "decks">,
): Promise<boolean> {
  if (decks.length === 0) return false;
  let hasNew = false;
  for (const place of await findHeldPlaces(pool, agentId, decks)) {
    hasNew = (await recordDeck(pool, place, `${attemptOutputPrefix(storage, place)}/${DECK_FILE}`)) || hasNew;
  }
  return hasNew;
}
