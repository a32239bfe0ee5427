import { createServer as createHttp1Server, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import type { Http2Listener } from "./grpc/listener.ts";
import { openTlsFront, type TlsFiles } from "./tls-front.ts";

export interface OnePortOptions {
  readonly host: string;
  /** All answer alike; 0 takes a free one. */
  readonly ports: readonly number[];
  readonly http1: RequestListener;
  readonly http2: Http2Listener;
  /** Unless given, everything is in plain text. */
  readonly tls?: TlsFiles & { readonly logger: Logger; readonly reloadEveryMs?: number };
  readonly limits?: Partial<ConnectionLimits>;
}

export interface OnePort {
  /** The ports that were bound, in the order of the options. */
  readonly ports: readonly number[];
  /** Takes no more connections, lets running requests end for up to `graceMs`, then cuts the rest. */
  close(graceMs: number): Promise<void>;
}

export interface ConnectionLimits {
  /** More connections are closed at once, so that idle ones cannot use up the memory. */
  readonly connectionsMax: number;
  /** A client must say within this time which protocol it speaks. */
  readonly peekTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** For a request as a whole: uploads over a slow line are the longest. */
  readonly requestTimeoutMs: number;
}

const DEFAULT_LIMITS: ConnectionLimits = {
  connectionsMax: 20_000,
  peekTimeoutMs: 10_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
};
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const HEADER_BYTES_MAX = 32 * 1024;
const STREAMS_MAX = 1_000;
/** Finds half-open connections, which idle gRPC channels would otherwise hide. */
const TCP_KEEP_ALIVE_MS = 30_000;
const HTTP2_MARK = Buffer.from("PRI");
/** The first byte of a TLS handshake, which is none of any HTTP request. */
const TLS_MARK = 0x16;
const NOT_PLAIN =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks TLS: use https://\n";

/**
 * Serves HTTP/1.1 and HTTP/2 on each port: gRPC clients and browsers use the same address. In plain text the first three
 * bytes tell them apart, because no HTTP/1 method starts with `PRI`; with TLS it is what they agree on (ALPN).
 */
export async function openOnePort(options: OnePortOptions): Promise<OnePort> {
  const sockets = new Set<Socket>();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const http1 = createHttp1(options.http1, limits);
  const http2 = createHttp2(options.http2, limits);
  const route = (socket: Socket, head: Buffer): void => (head.equals(HTTP2_MARK) ? http2 : http1).accept(socket);
  const tls =
    options.tls &&
    (await openTlsFront({
      ...options.tls,
      handshakeTimeoutMs: limits.peekTimeoutMs,
      onSecure: (socket) => {
        socket.on("error", () => socket.destroy());
        if (socket.alpnProtocol === "h2") http2.accept(socket);
        else http1.accept(socket);
      },
    }));
  const listeners: Server[] = [];
  const close = async (graceMs: number): Promise<void> => {
    const closed = listeners.map((server) => new Promise((resolve) => server.close(resolve)));
    http1.close();
    http2.close();
    tls?.close();
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cut);
  };
  const accept = (socket: Socket): void => {
    if (sockets.size >= limits.connectionsMax) return void socket.destroy();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A connection that breaks ends its requests; there is nobody to report it to.
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    peek(socket, limits.peekTimeoutMs, (head) => {
      if (!tls) route(socket, head);
      else if (head[0] === TLS_MARK) tls.accept(socket);
      else refusePlain(socket, limits.peekTimeoutMs);
    });
  };
  try {
    for (const port of options.ports) listeners.push(await listen(options.host, port, accept));
  } catch (error) {
    await close(0);
    throw error;
  }
  return { ports: listeners.map((server) => (server.address() as AddressInfo).port), close };
}

function createHttp1(listener: RequestListener, limits: ConnectionLimits) {
  let isClosing = false;
  const closeIdle = (): void => server.closeIdleConnections();
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    requireHostHeader: false,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: limits.headersTimeoutMs / 2,
  };
  const server = createHttp1Server(options, (request, response) => {
    // A connection that was busy when the server began to close is idle only after its answer.
    response.once("close", () => isClosing && setImmediate(closeIdle));
    listener(request, response);
  });
  // It never listens itself, and only this event starts Node's check of the timeouts.
  server.emit("listening");
  return {
    accept: (socket: Socket): void => void server.emit("connection", socket),
    close: (): void => {
      isClosing = true;
      server.close();
      closeIdle();
    },
  };
}

function createHttp2(listener: Http2Listener, { requestTimeoutMs }: ConnectionLimits) {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server({ settings: { maxConcurrentStreams: STREAMS_MAX } }, listener);
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  server.on("stream", (stream) => {
    stream.setTimeout(requestTimeoutMs, () => {
      // Only a request that does not come is cut: an answer, such as a subscription, may be silent for long.
      if (!stream.readableEnded) stream.close();
    });
    stream.on("error", () => stream.destroy());
  });
  return {
    accept: (socket: Socket): void => void server.emit("connection", socket),
    // GOAWAY: clients open no new streams here, and the session ends with its last one.
    close: (): void => {
      for (const session of sessions) session.close();
    },
  };
}

/** The bytes go back unread: an HTTP/2 session reads a socket's buffer only while nothing has made it flow. */
function peek(socket: Socket, timeoutMs: number, decided: (head: Buffer) => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.once("close", () => clearTimeout(timer));
  const onReadable = (): void => {
    const head: Buffer | null = socket.read(HTTP2_MARK.length);
    // Too few bytes yet, or the client hung up, which the timer or its end event settles.
    if (head === null) return;
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.unshift(head);
    decided(head);
  };
  socket.on("readable", onReadable);
}

/** Reads what still comes, or the other side's end would never be seen. */
function refusePlain(socket: Socket, timeoutMs: number): void {
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.resume();
  socket.end(NOT_PLAIN);
}

function listen(host: string, port: number, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, () => resolve(server));
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    const message = `Port ${port} of ${host} is in use. Stop what uses it, or choose another with SKEIN_PORT or SKEIN_GRPC_PORT.`;
    return new SkeinError("unavailable", "port_in_use", message, { details: { port }, cause: error });
  }
  if (error.code === "EACCES" || error.code === "EADDRNOTAVAIL") {
    const message = `The address ${host}:${port} cannot be used (${error.code}). Correct SKEIN_HOST or SKEIN_PORT.`;
    return new SkeinError("invalid_argument", "address_unusable", message, { details: { port }, cause: error });
  }
  return error;
}
