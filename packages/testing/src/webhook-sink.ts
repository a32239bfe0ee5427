import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface SunkCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to say to a call; `hang` says nothing. */
export type SinkAnswer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "hang";

export interface WebhookSink {
  readonly url: string;
  readonly calls: readonly SunkCall[];
  /** From now on. */
  answer(answer: SinkAnswer): void;
  close(): Promise<void>;
}

/** Starts a web server that keeps what it is sent, and answers 200 unless told otherwise. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const calls: SunkCall[] = [];
  let answer: SinkAnswer = { status: 200 };
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        calls.push({ path: request.url ?? "", headers: request.headers, body });
        if (answer === "hang") return;
        response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    answer: (next) => {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
