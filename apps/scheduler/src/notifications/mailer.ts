import { SkeinError } from "@skein/errors";
import { createTransport } from "nodemailer";
import { DeliveryFailure } from "./delivery-failure.ts";

export interface Mail {
  /** The same at every try. */
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

export interface MailerConfig {
  readonly smtpUrl: string | undefined;
  readonly smtpFrom: string | undefined;
  readonly timeoutMs: number;
}

/** Sends a mail; answers what was odd about it, or null. */
export type Mailer = (mail: Mail) => Promise<string | null>;

const ERROR_LENGTH = 300;

/** Sends by the configured server. Without one every mail fails with that reason. */
export function openMailer({ smtpUrl, smtpFrom, timeoutMs }: MailerConfig): Mailer {
  if ((smtpUrl === undefined) !== (smtpFrom === undefined)) {
    const message = "SKEIN_SMTP_URL and SKEIN_SMTP_FROM belong together: set both, or neither.";
    throw new SkeinError("invalid_argument", "smtp_config_incomplete", message);
  }
  if (smtpUrl === undefined || smtpFrom === undefined) {
    return async () => {
      throw new DeliveryFailure("This server sends no mail: SKEIN_SMTP_URL is not set.", { isFinal: true });
    };
  }
  const limits = { connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs };
  const transport = createTransport({ url: smtpUrl, ...limits, disableFileAccess: true, disableUrlAccess: true });
  const domain = /@([A-Za-z0-9.-]+)/.exec(smtpFrom)?.[1] ?? "skein";
  return async ({ id, to, subject, text }) => {
    try {
      const { rejected = [] } = await transport.sendMail({
        from: smtpFrom,
        // As objects, so that no address is read as a list of several.
        to: to.map((address) => ({ name: "", address })),
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        // Asks automatic answers to stay away.
        headers: { "Auto-Submitted": "auto-generated" },
      });
      return rejected.length === 0 ? null : `The mail server refused ${rejected.length} of ${to.length} addresses.`;
    } catch (error) {
      throw toFailure(error);
    }
  };
}

function toFailure(error: unknown): DeliveryFailure {
  const { message, responseCode = 0 } = error as Error & { responseCode?: number };
  // 5xx is the server's word for "never": RFC 5321, 4.2.1.
  const isFinal = responseCode >= 500;
  return new DeliveryFailure(`The mail server: ${message.slice(0, ERROR_LENGTH)}`, { isFinal });
}
