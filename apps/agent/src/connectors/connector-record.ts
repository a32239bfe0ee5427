import { ClaimGrant } from "@skein/contracts";
import type { Storage } from "@skein/storage";
import { z } from "zod";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { ConnectorHandle } from "./connector-client.ts";

/** What an agent must know of a connector's task to go on with it. */
export const ConnectorRecord = z.object({
  connector: z.string(),
  type: z.string(),
  version: z.int32(),
  /** base64. */
  resourceMeta: z.string(),
  createdAtMs: z.number(),
  /** Since when it is known to run. */
  runningSinceMs: z.number().optional(),
  /** Where the next piece of its log begins. */
  logToken: z.string().optional(),
  /** It ended by itself, or was deleted. */
  isOver: z.boolean().default(false),
});
export type ConnectorRecord = z.infer<typeof ConnectorRecord>;

const RECORD = "connector";
/** Beside the outputs, for an agent that lost its disk. */
const STORED = "connector.json";
const STORED_BYTES_MAX = 16 * 1024 * 1024;

/** Survives a power cut: it is the only copy of what the connector calls the task. */
export async function keepNewRecord(folder: AttemptFolder, record: ConnectorRecord): Promise<void> {
  await folder.write(RECORD, record, { sync: true });
}

/** Puts it where an agent finds it that lost its disk. */
export const storeRecord = (storage: Storage, outputPrefix: string, record: ConnectorRecord): Promise<void> =>
  storage.put(`${outputPrefix}/${STORED}`, Buffer.from(JSON.stringify(record)));

export const updateRecord = (folder: AttemptFolder, record: ConnectorRecord): Promise<void> =>
  folder.write(RECORD, record);

/** The record of an attempt; undefined when no connector is known to have made a task for it. */
export const readRecord = (folder: AttemptFolder): Promise<ConnectorRecord | undefined> =>
  folder.read(RECORD, ConnectorRecord);

/** As `readRecord`, for a disk that may have been lost: what it finds in the object store it writes there. */
export async function recallRecord(
  folder: AttemptFolder,
  grant: ClaimGrant,
  storage: Storage,
): Promise<ConnectorRecord | undefined> {
  const kept = await readRecord(folder);
  if (kept) return kept;
  const uri = `${grant.outputPrefix}/${STORED}`;
  if (!(await storage.head(uri))) return undefined;
  const bytes = await storage.get(uri, { bytesMax: STORED_BYTES_MAX });
  const { data } = z.string().transform(parseJson).pipe(ConnectorRecord).safeParse(Buffer.from(bytes).toString());
  if (data) await updateRecord(folder, data);
  return data;
}

/** What was granted for an attempt, without its secrets. */
export const readGrant = (folder: AttemptFolder): Promise<ClaimGrant | undefined> => folder.read("grant", ClaimGrant);

export const handleOf = (record: ConnectorRecord, outputPrefix: string): ConnectorHandle => ({
  category: { name: record.type, version: record.version },
  resourceMeta: Buffer.from(record.resourceMeta, "base64"),
  outputPrefix,
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
