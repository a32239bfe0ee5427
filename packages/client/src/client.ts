import type { AppRouter } from "@skein/api/router";
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink, type TRPCClient } from "@trpc/client";
import { EventSource, type EventSourceInit } from "eventsource";

export type SkeinClient = TRPCClient<AppRouter>;

export interface SkeinClientOptions {
  /** Where the server is, such as `http://localhost:8088`. */
  readonly url: string;
  /** A bearer token, or a function that gives a fresh one for each request. None where the server asks for none. */
  readonly token?: string | (() => string | Promise<string>);
}

/** More calls of one moment than this go out as several requests. */
const BATCH_MAX = 20;

/** The typed API of a Skein server. Calls of the same moment travel together; `runs.watch` reconnects by itself. */
export function createSkeinClient({ url, token }: SkeinClientOptions): SkeinClient {
  const endpoint = `${url.replace(/\/+$/, "")}/trpc`;
  const headers = async (): Promise<Record<string, string>> => {
    const value = typeof token === "function" ? await token() : token;
    return value === undefined ? {} : { authorization: `Bearer ${value}` };
  };
  // The standard EventSource sends no headers of one's own; this one takes a fetch that does.
  const eventSourceOptions: EventSourceInit = {
    fetch: async (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...(await headers()) } }),
  };
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === "subscription",
        true: httpSubscriptionLink({ url: endpoint, EventSource, eventSourceOptions }),
        false: httpBatchLink({ url: endpoint, headers, maxItems: BATCH_MAX }),
      }),
    ],
  });
}
