import { appendFile } from "node:fs/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Resource } from "@skein/idl/connector";
import type { TaskLog } from "@skein/idl/core";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { ConnectorClient, ConnectorHandle } from "./connector-client.ts";

/** So many pieces at a time; the rest comes with the next look at the task. */
const PIECES_AT_ONCE = 20;
const FAILURES_MAX = 3;
/** What connectors answer that keep no logs; flytekit's say Unknown. */
const HAS_NONE: ReadonlySet<Code> = new Set([Code.Unimplemented, Code.Unknown]);

/** Writes an attempt's log: what its connector says of the task, and the log that it keeps of it. */
export class ConnectorLog {
  readonly #folder: AttemptFolder;
  readonly #links = new Set<string>();
  #said = "";
  #failures = 0;
  /** A connector that gives no token for the next piece has its whole log read once, at the end. */
  #isReadAtEnd = false;
  #isSilent = false;

  constructor(folder: AttemptFolder) {
    this.#folder = folder;
  }

  /** Writes down links and words that are new. */
  async tell({ logLinks, message }: Resource): Promise<void> {
    const links = logLinks.filter(({ uri }) => uri !== "" && !this.#links.has(uri));
    for (const { uri } of links) this.#links.add(uri);
    const words = message === "" || message === this.#said ? [] : [message];
    this.#said = message;
    await this.say([...links.map(linkText), ...words]);
  }

  /** Writes lines of our own, marked as such. */
  async say(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    await appendFile(this.#folder.log, lines.map((line) => `[connector] ${line}\n`).join(""));
  }

  /** Adds what the connector logged since `token`; answers where to go on. A log that cannot be had ends no task. */
  async pull(client: ConnectorClient, handle: ConnectorHandle, token: string, options: PullOptions): Promise<string> {
    if (this.#isSilent || (this.#isReadAtEnd && !options.isEnd)) return token;
    let next = token;
    try {
      for (let pieces = 0; pieces < PIECES_AT_ONCE; pieces += 1) {
        const piece = await client.readLog(handle, next, options.signal);
        this.#failures = 0;
        this.#isReadAtEnd = piece.token === "" && !options.isEnd;
        if (this.#isReadAtEnd) return next;
        if (piece.text !== "") await appendFile(this.#folder.log, piece.text);
        if (piece.token === "" || piece.token === next || piece.text === "") return piece.token || next;
        next = piece.token;
      }
    } catch (error) {
      options.signal.throwIfAborted();
      this.#failures += 1;
      this.#isSilent = HAS_NONE.has(ConnectError.from(error).code) || this.#failures >= FAILURES_MAX;
    }
    return next;
  }
}

interface PullOptions {
  readonly signal: AbortSignal;
  /** The task is over: there will be no more. */
  readonly isEnd: boolean;
}

const linkText = ({ name, uri }: TaskLog): string => (name === "" ? uri : `${name}: ${uri}`);
