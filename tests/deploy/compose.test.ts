import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KNOWN_NAMES } from "@skein/config";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

const deploy = fileURLToPath(new URL("../../deploy/", import.meta.url));
const text = readFileSync(join(deploy, "compose.yaml"), "utf8");
const compose: {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
} = parse(text, { merge: true });
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith("${SKEIN_REGISTRY"));
const folder = mkdtempSync(join(tmpdir(), "skein-compose-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("every part stands for itself: services, secrets and volumes that are named are there", () => {
  for (const [name, service] of services) {
    for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services, name).toHaveProperty(other);
    for (const secret of service.secrets ?? []) expect(compose.secrets, name).toHaveProperty(secret);
    for (const volume of service.volumes ?? []) {
      if (/^[a-z]/.test(volume)) expect(compose.volumes, name).toHaveProperty(volume.split(":")[0] ?? "");
    }
  }
});

test("our own processes run with nothing that they do not need, on variables that they know", () => {
  expect(ours.map(([name]) => name).sort()).toEqual(["agent", "agent-token", "api", "scheduler"]);
  for (const [name, service] of ours) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    for (const variable of Object.keys(service.environment ?? {})) {
      if (!variable.startsWith("SKEIN_")) continue;
      const isKnown = [variable, variable.replace(/_FILE$/, "")].some(
        (one) => KNOWN_NAMES.has(one) || one.startsWith("SKEIN_DOCKER_"),
      );
      expect(isKnown, `${name}: ${variable}`).toBe(true);
    }
  }
});

test("nothing listens to others, and no password stands in the file", () => {
  for (const [name, { ports = [], environment = {} }] of services) {
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
    for (const [variable, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET_KEY$|TOKEN$/.test(variable))
        expect(value, variable).toMatch(/^\$\{\w+:\?set \w+ in deploy\/\.env\}$/);
    }
  }
});

test("make-secrets fills in all that must be set, and keeps what is there", () => {
  for (const file of [".env.example", "make-secrets"]) cpSync(join(deploy, file), join(folder, file));
  const make = () => execFileSync(join(folder, "make-secrets"), { encoding: "utf8" });
  expect(make()).toContain("are ready");
  const env = readFileSync(join(folder, ".env"), "utf8");
  const values = new Map([...env.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const needed = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
  expect(needed.size).toBe(3);
  for (const name of needed) expect(values.get(name), name).toMatch(/^[0-9a-f]{48}$/);
  expect(new Set([...needed].map((name) => values.get(name))).size).toBe(3);
  for (const { file } of Object.values(compose.secrets))
    expect(readFileSync(join(folder, file), "utf8").trim()).not.toBe("");
  expect(readFileSync(join(folder, "secrets/s3_secret_key"), "utf8").trim()).toBe(values.get("S3_SECRET_KEY"));
  make();
  expect(readFileSync(join(folder, ".env"), "utf8")).toBe(env);
});
