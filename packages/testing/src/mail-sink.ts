import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";

export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came. */
  readonly raw: string;
  /** The value of a header, unfolded; empty when there is none. */
  readonly header: (name: string) => string;
}

export interface MailSink {
  /** For SKEIN_SMTP_URL. */
  readonly url: string;
  readonly mails: readonly SunkMail[];
  /** The next mails are refused with this code of SMTP; null takes them again. */
  refuse(code: number | null): void;
  close(): Promise<void>;
}

function toMail(from: string, to: readonly string[], raw: string): SunkMail {
  const [head = ""] = raw.split("\r\n\r\n", 1);
  const lines = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  const header = (name: string): string => {
    const start = `${name.toLowerCase()}: `;
    return lines.find((line) => line.toLowerCase().startsWith(start))?.slice(start.length) ?? "";
  };
  return { from, to, raw, header };
}

/** Starts a real mail server that keeps what it gets, and sends it nowhere. */
export async function startMailSink(): Promise<MailSink> {
  const mails: SunkMail[] = [];
  let refusal: number | null = null;
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    onData(stream, session, callback) {
      text(stream).then((raw) => {
        if (refusal !== null) {
          callback(Object.assign(new Error("refused by the test"), { responseCode: refusal }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        const to = rcptTo.map(({ address }) => address);
        mails.push(toMail(mailFrom === false ? "" : mailFrom.address, to, raw));
        callback();
      }, callback);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (code) => {
      refusal = code;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
