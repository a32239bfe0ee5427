import { createTestDatabase, waitFor } from "@skein/testing";
import { expect, test } from "vitest";
import { CHANGES_CHANNEL, EVENTS_CHANNEL, openListener, openNotifier } from "./index.ts";

test("a burst of wake-ups arrives as few, and the last one is never lost", async () => {
  const database = await createTestDatabase();
  const woken: string[] = [];
  const listener = await openListener(database.url, [EVENTS_CHANNEL, CHANGES_CHANNEL], (channel) =>
    woken.push(channel),
  );
  const notifier = openNotifier(database.pool);
  for (let i = 0; i < 1000; i++) notifier.notify(EVENTS_CHANNEL);
  notifier.notify(CHANGES_CHANNEL);
  await notifier.close();
  await waitFor(() => woken.includes(CHANGES_CHANNEL));
  expect(woken.filter((channel) => channel === EVENTS_CHANNEL).length).toBeLessThanOrEqual(2);
  notifier.notify(EVENTS_CHANNEL);
  await waitFor(() => woken.at(-1) === EVENTS_CHANNEL);
  await notifier.close();
  await listener.close();
  await database.close();
});

test("a listener whose connection broke comes back and wakes every channel once", async () => {
  const database = await createTestDatabase();
  const woken: string[] = [];
  const listener = await openListener(database.url, [EVENTS_CHANNEL, CHANGES_CHANNEL], (channel) =>
    woken.push(channel),
  );
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'skein-listen' and datname = current_database()",
  );
  await waitFor(() => woken.length === 2);
  expect(woken.toSorted()).toEqual([CHANGES_CHANNEL, EVENTS_CHANNEL]);
  await listener.close();
  await database.close();
});

test("a listener that cannot connect says so at once", async () => {
  await expect(openListener("postgres://nobody@127.0.0.1:1/none", [EVENTS_CHANNEL], () => {})).rejects.toThrow();
});
