import { exportSPKI, type GenerateKeyPairResult, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import { authenticate } from "./authenticate.ts";
import { createHostGuard } from "./host-guard.ts";
import { OWN_TOKEN_TYPES, signAgentToken, signRunToken } from "./tokens.ts";
import { createVerifier, type Verifier } from "./verifier.ts";

const SECRET = "a-secret-key-of-more-than-32-characters";
const ISSUER = "https://login.example.com";
const AUDIENCE = "skein";
const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

let keys: GenerateKeyPairResult;
let verifier: Verifier;
const anonymous = createVerifier({ secretKey: SECRET, isRunLive: async () => true });
beforeAll(async () => {
  keys = await generateKeyPair("RS256");
  verifier = createVerifier({
    secretKey: SECRET,
    isRunLive: async () => true,
    provider: { issuer: ISSUER, audience: AUDIENCE, keys: async () => keys.publicKey },
  });
});

interface Claims {
  readonly issuer?: string;
  readonly audience?: string;
  readonly expiresIn?: number;
  readonly validIn?: number;
  readonly subject?: string;
  readonly alg?: string;
}

function tokenOf({
  issuer = ISSUER,
  audience = AUDIENCE,
  expiresIn = 60,
  validIn,
  subject = "ann",
  alg = "RS256",
}: Claims = {}): SignJWT {
  const token = new SignJWT({ name: "Ann", scope: "all offline" }).setIssuer(issuer).setAudience(audience);
  token.setSubject(subject).setExpirationTime(nowSeconds() + expiresIn);
  if (validIn !== undefined) token.setNotBefore(nowSeconds() + validIn);
  return token.setProtectedHeader({ alg });
}

const refused = { code: "unauthenticated", reason: "invalid_token" };

test("a token of the identity provider becomes a user with its scopes", async () => {
  expect(await verifier.verify(await tokenOf().sign(keys.privateKey))).toEqual({
    kind: "user",
    subject: "ann",
    name: "Ann",
    scopes: ["all", "offline"],
  });
});

test.each<[string, Claims]>([
  ["that has expired", { expiresIn: -60 }],
  ["that is not valid yet", { validIn: 60 }],
  ["of another issuer", { issuer: "https://evil.example" }],
  ["for another audience", { audience: "other" }],
])("a token %s is refused", async (_what, claims) => {
  await expect(verifier.verify(await tokenOf(claims).sign(keys.privateKey))).rejects.toMatchObject(refused);
});

test("a token without an end or without a subject is refused", async () => {
  const endless = new SignJWT({}).setIssuer(ISSUER).setAudience(AUDIENCE).setSubject("ann");
  const nameless = new SignJWT({})
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime(nowSeconds() + 60);
  for (const token of [endless, nameless]) {
    const signed = await token.setProtectedHeader({ alg: "RS256" }).sign(keys.privateKey);
    await expect(verifier.verify(signed)).rejects.toMatchObject(refused);
  }
});

test("a token signed with another key is refused", async () => {
  const other = await generateKeyPair("RS256");
  await expect(verifier.verify(await tokenOf().sign(other.privateKey))).rejects.toMatchObject(refused);
});

test("the public key does not serve as a shared secret, and no signature is no signature", async () => {
  const asSecret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
  const forged = await tokenOf({ alg: "HS256" }).sign(asSecret);
  await expect(verifier.verify(forged)).rejects.toMatchObject(refused);
  const unsigned = new UnsecuredJWT({}).setIssuer(ISSUER).setAudience(AUDIENCE).setSubject("ann");
  await expect(verifier.verify(unsigned.setExpirationTime("1m").encode())).rejects.toMatchObject(refused);
  await expect(verifier.verify("not.a.token")).rejects.toMatchObject(refused);
});

test("keys that cannot be read are not the caller's fault", async () => {
  const away = createVerifier({
    secretKey: SECRET,
    isRunLive: async () => true,
    provider: { issuer: ISSUER, audience: AUDIENCE, keys: () => Promise.reject(new TypeError("fetch failed")) },
  });
  await expect(away.verify(await tokenOf().sign(keys.privateKey))).rejects.toMatchObject({ code: "unavailable" });
});

test("our own tokens name their pool or their project, with or without a provider", async () => {
  const agent = await signAgentToken(SECRET, { subject: "a1", pool: "default", lifetimeSeconds: 60 });
  const run = await signRunToken(SECRET, { runId: "r1", project: "p", domain: "d" });
  for (const one of [verifier, anonymous]) {
    expect(await one.verify(agent)).toMatchObject({ kind: "agent", subject: "a1", pool: "default" });
    expect(await one.verify(run)).toMatchObject({ kind: "run", tenant: { project: "p", domain: "d" } });
  }
});

test("a run's token ends with its run", async () => {
  const asked: string[] = [];
  const isRunLive = async (runId: string) => asked.push(runId) === 1;
  const one = createVerifier({ secretKey: SECRET, isRunLive });
  const token = await signRunToken(SECRET, { runId: "r1", project: "p", domain: "d" });
  expect(await one.verify(token)).toMatchObject({ subject: "r1" });
  await expect(one.verify(token)).rejects.toMatchObject({ code: "unauthenticated", reason: "run_over" });
  expect(asked).toEqual(["r1", "r1"]);
});

test("our own tokens are refused with another key, when late, and under another type", async () => {
  const foreign = await signAgentToken(`${SECRET}!`, { subject: "a1", pool: "default", lifetimeSeconds: 60 });
  const late = await signAgentToken(SECRET, { subject: "a1", pool: "default", lifetimeSeconds: -60 });
  const [, payload, signature] = (await signRunToken(SECRET, { runId: "r", project: "p", domain: "d" })).split(".");
  const header = Buffer.from(JSON.stringify({ alg: "HS256", typ: OWN_TOKEN_TYPES.agent })).toString("base64url");
  for (const token of [foreign, late, `${header}.${payload}.${signature}`]) {
    await expect(anonymous.verify(token)).rejects.toMatchObject(refused);
  }
  const own = new SignJWT({ pool: "default" })
    .setIssuer("skein")
    .setAudience("skein:run")
    .setSubject("x")
    .setExpirationTime("1m");
  const wrongAudience = await own
    .setProtectedHeader({ alg: "HS256", typ: OWN_TOKEN_TYPES.agent })
    .sign(new TextEncoder().encode(SECRET));
  await expect(anonymous.verify(wrongAudience)).rejects.toMatchObject(refused);
});

test("a person's token is refused where nobody can check it", async () => {
  await expect(anonymous.verify(await tokenOf().sign(keys.privateKey))).rejects.toMatchObject({
    reason: "no_verifier",
  });
});

const headers = (values: Record<string, string>) => (name: string) => values[name];

test("Flyte's own header is read before the usual one", async () => {
  const flyte = `Bearer ${await tokenOf({ subject: "flyte" }).sign(keys.privateKey)}`;
  const usual = `bearer ${await tokenOf({ subject: "usual" }).sign(keys.privateKey)}`;
  const both = headers({ "flyte-authorization": flyte, authorization: usual });
  expect((await authenticate(verifier, "run:read", both)).subject).toBe("flyte");
  expect((await authenticate(verifier, "run:read", headers({ authorization: usual }))).subject).toBe("usual");
});

test("without a token a server with a provider refuses, and one without takes the call as anonymous", async () => {
  const none = headers({});
  await expect(authenticate(verifier, "run:read", none)).rejects.toMatchObject({ reason: "no_token" });
  expect((await authenticate(anonymous, "run:read", none)).kind).toBe("anonymous");
  await expect(authenticate(anonymous, "agent:serve", none)).rejects.toMatchObject({ reason: "no_token" });
  await expect(authenticate(anonymous, "run:read", headers({ authorization: "Basic eA==" }))).rejects.toMatchObject(
    refused,
  );
});

test("what is public looks at no token, so that a stale one does not stop a login", async () => {
  expect((await authenticate(verifier, "public", headers({ authorization: "Bearer stale" }))).kind).toBe("anonymous");
});

test.each([
  ["localhost:8088", undefined, true],
  ["127.0.0.1", undefined, true],
  ["[::1]:8088", undefined, true],
  ["skein.example.com", undefined, true],
  ["evil.example", undefined, false],
  ["localhost.evil.example", undefined, false],
  ["localhost:8088", "http://localhost:8088", true],
  ["localhost:8088", "https://skein.example.com", true],
  ["localhost:8088", "http://localhost:3000", false],
  ["localhost:8088", "null", false],
  ["localhost:8088", "file://", false],
])("a request to %s from %s: answered is %s", (host, origin, isAnswered) => {
  const guard = createHostGuard({ publicUrl: "https://skein.example.com" });
  if (isAnswered) expect(() => guard({ host, origin })).not.toThrow();
  else expect(() => guard({ host, origin })).toThrow(/may not call|is not this server's/);
});
