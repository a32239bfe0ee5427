import type { AttemptOrder, ClaimResponse } from "@skein/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { ClaimBatcher } from "./claim-batcher.ts";

const order: AttemptOrder = {
  runId: "01990000-0000-7000-8000-000000000001",
  ordinal: 2,
  attempt: 0,
  kind: "container",
  shard: 0,
  token: "token-of-the-attempt-000000000001",
};
const refusal: ClaimResponse = { results: [{ refused: "over" }] };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** An api whose answers arrive after `delaysMs`, one after the other, as a process that was stopped meanwhile sees them. */
const batcherWith = (...delaysMs: number[]) => {
  const never = () => Promise.reject(new Error("not called"));
  const claim = async () => {
    vi.setSystemTime(Date.now() + (delaysMs.shift() ?? 0));
    return refusal;
  };
  const api: ApiClient = { claim, heartbeat: never, held: never, appendLogs: never };
  return new ClaimBatcher(api, { agentId: "agent", pool: "default" });
};

test("an answer in time is the claim's result", async () => {
  expect(await batcherWith(9_000).claim(order)).toEqual({ refused: "over" });
});

test("an answer that comes too late is dropped, and asking again is answered afresh", async () => {
  const claims = batcherWith(30_000, 0);
  await expect(claims.claim(order)).rejects.toThrow(/30000 ms/);
  expect(await claims.claim(order)).toEqual({ refused: "over" });
});
