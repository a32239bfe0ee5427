import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type TLSSocket } from "node:tls";
import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";

export interface TlsFiles {
  /** PEM: the certificate, then its chain. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

/** Speaks TLS on sockets that somebody else accepted. */
export interface TlsFront {
  /** Answers through `onSecure` once the handshake is done; a socket that fails it is destroyed. */
  accept(socket: Socket): void;
  close(): void;
}

export interface TlsFrontOptions extends TlsFiles {
  readonly logger: Logger;
  readonly handshakeTimeoutMs: number;
  /** How often the files are looked at for a new certificate. */
  readonly reloadEveryMs?: number;
  readonly onSecure: (socket: TLSSocket) => void;
}

interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Certificates of a few weeks are renewed days ahead. */
const RELOAD_EVERY_MS = 10_000;
/** What gRPC clients ask for, and what browsers fall back to. */
const ALPN_PROTOCOLS = ["h2", "http/1.1"];

/**
 * TLS with the certificate in two files. New contents are taken up without a restart, for connections made from then on;
 * files that do not fit together (one is written before the other) leave the old certificate in place.
 */
export async function openTlsFront(options: TlsFrontOptions): Promise<TlsFront> {
  const { logger, handshakeTimeoutMs: handshakeTimeout } = options;
  let current = await readKeyPair(options);
  const server = createServer({
    ...current,
    ALPNProtocols: ALPN_PROTOCOLS,
    minVersion: "TLSv1.2",
    handshakeTimeout,
  });
  server.on("secureConnection", options.onSecure);
  // Scanners and clients that do not trust us come every day; the socket is what they cost.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const reload = async (): Promise<void> => {
    const found = await readKeyPair(options);
    if (found.cert.equals(current.cert) && found.key.equals(current.key)) return;
    server.setSecureContext({ ...found, minVersion: "TLSv1.2" });
    current = found;
    logger.info({ file: options.certFile }, "a new TLS certificate is in use");
  };
  let problem: string | undefined;
  const timer = setInterval(() => {
    reload().then(
      () => {
        problem = undefined;
      },
      (error: Error) => {
        if (error.message !== problem) logger.error({ err: error }, "the TLS certificate was not reloaded");
        problem = error.message;
      },
    );
  }, options.reloadEveryMs ?? RELOAD_EVERY_MS);
  timer.unref();
  return {
    accept: (socket) => void server.emit("connection", socket),
    close: () => clearInterval(timer),
  };
}

/** Both files, found to fit together; invalid_argument names the file and what is wrong. */
async function readKeyPair({ certFile, keyFile }: TlsFiles): Promise<KeyPair> {
  const [cert, key] = await Promise.all([
    readPem("SKEIN_TLS_CERT_FILE", certFile),
    readPem("SKEIN_TLS_KEY_FILE", keyFile),
  ]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new SkeinError(
      "invalid_argument",
      "tls_files_invalid",
      `SKEIN_TLS_CERT_FILE ${certFile} and SKEIN_TLS_KEY_FILE ${keyFile} are no certificate and its private key in PEM form: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return { cert, key };
}

async function readPem(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const message = `${variable}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}). Correct the path, or let this account read it`;
    throw new SkeinError("invalid_argument", "tls_file_unreadable", message, { cause: error });
  }
}
