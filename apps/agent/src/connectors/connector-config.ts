import { SkeinError } from "@skein/errors";
import { z } from "zod";

/** A connector that the agent may call, as its administrator describes it. */
export interface ConnectorConfig {
  /** What records and logs call it. */
  readonly name: string;
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** PEM file of the authority that signed its certificate; the machine's own authorities unless given. */
  readonly caFile: string | undefined;
  /** Holds the token that every call shows as `authorization: Bearer …`; read anew when it changes. */
  readonly tokenFile: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly headerFiles: Readonly<Record<string, string>>;
  readonly timeoutsMs: Readonly<Record<ConnectorMethod, number>>;
  /** The longest pause between two questions about the same task. */
  readonly pollMs: number;
  /** Task types it serves whatever it says itself, in any version; for connectors that say nothing. */
  readonly taskTypes: readonly string[];
}

/** What can be asked of a connector. */
export const CONNECTOR_METHODS = ["list", "create", "get", "delete", "logs", "sync"] as const;
export type ConnectorMethod = (typeof CONNECTOR_METHODS)[number];

/** A call of `sync` lasts as long as its task. */
const TIMEOUT_SECONDS: Readonly<Record<ConnectorMethod, number>> = {
  list: 10,
  create: 30,
  get: 10,
  delete: 30,
  logs: 10,
  sync: 600,
};
const POLL_SECONDS = 10;

const seconds = () => z.number().min(0.05).max(86_400);
const file = () => z.string().startsWith("/", "must be an absolute path");
const headerName = () =>
  z
    .string()
    .regex(/^[a-z0-9_.-]{1,128}$/, "must be a header's name in small letters")
    .refine((name) => !/^(grpc-|:)/.test(name) && name !== "content-type" && !name.endsWith("-bin"), "is gRPC's own");
const headerValue = () => z.string().regex(/^[\x20-\x7e]*$/, "must be printable ASCII");

const Entry = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._:-]{0,127}$/, "must be letters, digits, '.', '_', ':' and '-', at most 128")
    .optional(),
  endpoint: z.string(),
  insecure: z.boolean().default(false),
  caFile: file().optional(),
  tokenFile: file().optional(),
  headers: z.record(headerName(), headerValue()).default({}),
  headerFiles: z.record(headerName(), file()).default({}),
  timeoutSeconds: z
    .strictObject(Object.fromEntries(CONNECTOR_METHODS.map((method) => [method, seconds().optional()])))
    .default({}),
  pollSeconds: seconds().default(POLL_SECONDS),
  taskTypes: z.array(z.string().min(1).max(255)).default([]),
});
const Entries = z.array(Entry);

/** Reads `host:port,…`, or a JSON array of objects; invalid_argument says what is wrong where. */
export function readConnectors(text: string): ConnectorConfig[] {
  // An address may begin with a bracket too.
  const parsed = Entries.safeParse(/^\s*(\{|\[\s*[{\]])/.test(text) ? readJson(text) : splitList(text));
  if (!parsed.success) {
    throw refused(parsed.error.issues.map((issue) => `${pathText(issue.path)}: ${wordsOf(issue)}`).join("; "));
  }
  const connectors = parsed.data.map(toConfig);
  refuseTwice(
    "name",
    connectors.map(({ name }) => name),
  );
  refuseTwice(
    "task type",
    connectors.flatMap(({ taskTypes }) => taskTypes),
  );
  return connectors;
}

const splitList = (text: string): unknown[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((endpoint) => ({ endpoint }));

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the text, which may hold keys.
    throw refused("is no JSON");
  }
}

function toConfig(entry: z.infer<typeof Entry>, at: number): ConnectorConfig {
  const url = readEndpoint(entry, `[${at}].endpoint`);
  const { name, caFile, tokenFile, headers, headerFiles, taskTypes } = entry;
  const sendsSecrets = tokenFile !== undefined || Object.keys({ ...headers, ...headerFiles }).length > 0;
  if (sendsSecrets && url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw refused(`[${at}]: a token or a header would travel unprotected: use https://, or leave them out`);
  }
  if (caFile !== undefined && url.protocol === "http:") {
    throw refused(`[${at}].caFile: has no use without TLS: use https://`);
  }
  const given: Readonly<Record<string, number | undefined>> = entry.timeoutSeconds;
  const timeouts = CONNECTOR_METHODS.map((method) => [method, (given[method] ?? TIMEOUT_SECONDS[method]) * 1000]);
  return {
    name: name ?? url.host,
    url: url.origin,
    caFile,
    tokenFile,
    headers,
    headerFiles,
    timeoutsMs: Object.fromEntries(timeouts) as Record<ConnectorMethod, number>,
    pollMs: entry.pollSeconds * 1000,
    taskTypes,
  };
}

/** TLS, except on this machine or where `insecure` says otherwise. */
function readEndpoint({ endpoint, insecure }: z.infer<typeof Entry>, field: string): URL {
  const [, scheme, authority = ""] = /^(?:(https?|dns):\/\/\/?)?([^/\s]+)\/?$/.exec(endpoint) ?? [];
  const url = URL.parse(`http://${authority}`);
  if (!url || (url.port === "" && !/:80$/.test(authority)) || url.username !== "" || url.pathname !== "/") {
    throw refused(`${field}: must be host:port, http://host:port or https://host:port`);
  }
  const isPlain = scheme === "http" || insecure || (scheme !== "https" && isLoopback(url.hostname));
  if (isPlain && scheme === "https") throw refused(`${field}: https:// and "insecure" exclude each other`);
  if (isPlain && !insecure && !isLoopback(url.hostname)) {
    throw refused(`${field}: speaks no TLS to another machine; say "insecure": true if that network is yours alone`);
  }
  return new URL(`${isPlain ? "http" : "https"}://${authority}`);
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127\.[\d.]+$/.test(host);

function refuseTwice(what: string, values: readonly string[]): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) throw refused(`the ${what} ${JSON.stringify(twice)} is there twice`);
}

/** What is wrong with a name says less than why. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === "invalid_key" ? issue.issues.map(({ message }) => message).join(", ") : issue.message;

const pathText = (path: readonly PropertyKey[]): string =>
  path.map((part, at) => (typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`)).join("");

const refused = (problem: string): SkeinError => new SkeinError("invalid_argument", "connectors_invalid", problem);
