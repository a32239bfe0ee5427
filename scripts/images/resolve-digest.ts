/** An image as people name it: `node:24-bookworm-slim`, `registry.example.com:5000/team/base:1`. */
export interface ImageName {
  /** Where its registry answers, as a URL. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

const HUB = "https://registry-1.docker.io";
const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const TIMEOUT_MS = 30_000;

/** Docker's rules: a first part with a dot, a port or `localhost` is a registry; what has none is of Docker Hub. */
export function parseImageName(name: string): ImageName {
  const [first = "", ...rest] = name.split("/");
  const hasRegistry =
    rest.length > 0 && /^([a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+|localhost|[a-z0-9-]+(?=:))(:\d+)?$/.test(first);
  const path = hasRegistry ? rest.join("/") : name;
  const parts = /^([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?$/.exec(path);
  if (!parts) throw new Error(`"${name}" is no image with a tag`);
  const [, repository = "", tag = "latest"] = parts;
  if (!hasRegistry)
    return { registry: HUB, repository: repository.includes("/") ? repository : `library/${repository}`, tag };
  const isLocal = /^(localhost|127\.0\.0\.1)(:|$)/.test(first);
  return { registry: `${isLocal ? "http" : "https"}://${first}`, repository, tag };
}

/** The digest that the tag stands for now: of the index of all platforms, where there is one. Asks without an account. */
export async function resolveDigest(name: string): Promise<string> {
  const { registry, repository, tag } = parseImageName(name);
  const url = `${registry}/v2/${repository}/manifests/${tag}`;
  const ask = (token?: string) =>
    fetch(url, {
      method: "HEAD",
      headers: { accept: MANIFEST_TYPES, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  let answer = await ask();
  if (answer.status === 401) answer = await ask(await anonymousToken(answer.headers.get("www-authenticate") ?? ""));
  const digest = answer.headers.get("docker-content-digest");
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  if (digest === null || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`${url} named no digest`);
  return digest;
}

/** `Bearer realm="https://auth…",service="…",scope="…"` says where to get a token. */
async function anonymousToken(challenge: string): Promise<string> {
  const words = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]));
  const realm = words.get("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined) throw new Error("The registry asks for an account");
  const url = new URL(realm);
  for (const key of ["service", "scope"]) url.searchParams.set(key, words.get(key) ?? "");
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  const found = token ?? access_token;
  if (!answer.ok || found === undefined) throw new Error(`${realm} gave no token (${answer.status})`);
  return found;
}
