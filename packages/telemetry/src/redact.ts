const CENSOR = "[redacted]";

/** What gives a secret away in a line of JSON, and what is put in its place. None of them takes a quote, so the line stays JSON. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [
    /("[\w.-]*(?:authorization|cookie|password|secret|secret_?access_?key|secret_?key|token)"):(?:"(?:[^"\\]|\\.)*"|-?\d+)/gi,
    `$1:"${CENSOR}"`,
  ],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s"/@:]*:)[^\s"/]*@/gi, `$1${CENSOR}@`],
  [/\b(bearer|basic) (?=[^\s"]*[\d.=])[\w.~+/=-]{6,}/gi, `$1 ${CENSOR}`],
  [/([?&](?:x-amz-signature|x-amz-security-token|[a-z_]*token|[a-z_]*password)=)[^&\s"\\]+/gi, `$1${CENSOR}`],
  // File storage signs its URLs in the path.
  [/(\/uploads\/)[\w.-]{20,}/g, `$1${CENSOR}`],
  [/\bska_[\w-]+/g, CENSOR],
];

/** A line of the log without passwords, tokens and authorization headers, wherever in it they stand. */
export const redact = (line: string): string =>
  SECRETS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
