import pg from "pg";

/** Api → scheduler: rows wait in `events`. */
export const EVENTS_CHANNEL = "skein_events";
/** To watchers: some run's `changed_seq` grew. */
export const CHANGES_CHANNEL = "skein_changes";

/** At most one NOTIFY per channel in this time: inside commits they would serialise on one lock of Postgres. */
const NOTIFY_INTERVAL_MS = 5;
const RECONNECT_FIRST_MS = 100;
const RECONNECT_LONGEST_MS = 5_000;

export interface Notifier {
  /** Wakes the channel's listeners soon. Call it after the commit; it never throws and never waits. */
  notify(channel: string): void;
  /** Sends what is pending. The pool stays open. */
  close(): Promise<void>;
}

/**
 * Coalesces wake-ups: the first goes out at once, those within the next 5 ms as one. A wake-up that cannot be sent is
 * lost on purpose, because every listener also polls slowly.
 */
export function openNotifier(pool: pg.Pool): Notifier {
  const pending = new Set<string>();
  let round: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    const channels = [...pending];
    pending.clear();
    await pool
      .query({
        name: "notify",
        text: "select pg_notify(channel, '') from unnest($1::text[]) channel",
        values: [channels],
      })
      .catch(() => undefined);
  };
  const sendRounds = async (): Promise<void> => {
    while (pending.size > 0) {
      await Promise.all([send(), new Promise((resolve) => setTimeout(resolve, NOTIFY_INTERVAL_MS))]);
    }
    round = undefined;
  };

  return {
    notify(channel) {
      pending.add(channel);
      round ??= sendRounds();
    },
    close: async () => round,
  };
}

export interface Listener {
  close(): Promise<void>;
}

/**
 * Calls `onWake` for each notification on `channels`, and once for every channel after each lost connection came back,
 * because notifications sent meanwhile are gone. Rejects when the first connection cannot be made.
 */
export async function openListener(
  url: string,
  channels: readonly string[],
  onWake: (channel: string) => void,
): Promise<Listener> {
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  let client = await listen(url, channels, onWake, reconnect);

  function reconnect(delayMs = RECONNECT_FIRST_MS): void {
    if (closed) return;
    retry = setTimeout(async () => {
      try {
        const next = await listen(url, channels, onWake, reconnect);
        if (closed) return void (await next.end());
        client = next;
        for (const channel of channels) onWake(channel);
      } catch {
        reconnect(Math.min(delayMs * 2, RECONNECT_LONGEST_MS));
      }
    }, delayMs);
  }

  return {
    close: async () => {
      closed = true;
      clearTimeout(retry);
      await client.end();
    },
  };
}

/** Connects and subscribes; `onLost` is called at most once, and only after the promise resolved. */
async function listen(
  url: string,
  channels: readonly string[],
  onWake: (channel: string) => void,
  onLost: () => void,
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "skein-listen", keepAlive: true });
  client.on("error", () => {});
  client.on("notification", (message) => onWake(message.channel));
  try {
    await client.connect();
    for (const channel of channels) await client.query(`listen ${client.escapeIdentifier(channel)}`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  client.once("end", onLost);
  return client;
}
