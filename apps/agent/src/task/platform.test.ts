import { expect, test } from "vitest";
import { isOwnMachine, platformEnvironment, seenFromContainer } from "./platform.ts";

test("only a task that is a client gets an endpoint, and a token only where one is needed", () => {
  expect(platformEnvironment("http://api:8088", null)).toEqual({});
  expect(platformEnvironment("http://api:8088", { token: null })).toEqual({
    FLYTE_PLATFORM_URL: "api:8088",
    FLYTE_PLATFORM_INSECURE: "true",
  });
  expect(platformEnvironment("http://api:8088", { token: "t" })).toEqual({
    FLYTE_PLATFORM_URL: "api:8088",
    FLYTE_PLATFORM_INSECURE: "true",
    FLYTE_CREDENTIALS_AUTH_MODE: "ExternalCommand",
    FLYTE_CREDENTIALS_COMMAND: "sh,-c,echo $SKEIN_RUN_TOKEN",
    SKEIN_RUN_TOKEN: "t",
  });
});

test.each([
  ["https://skein.example.com", "skein.example.com:443", "false"],
  ["https://skein.example.com:8443/", "skein.example.com:8443", "false"],
  ["http://skein", "skein:80", "true"],
  ["http://[::1]:8088", "[::1]:8088", "true"],
])("%s is the endpoint %s", (url, endpoint, insecure) => {
  const environment = platformEnvironment(url, { token: null });
  expect(environment).toEqual({ FLYTE_PLATFORM_URL: endpoint, FLYTE_PLATFORM_INSECURE: insecure });
});

test.each([
  ["http://localhost:8088", "http://host.docker.internal:8088/"],
  ["http://127.0.0.1:8088", "http://host.docker.internal:8088/"],
  ["http://0.0.0.0:8088", "http://host.docker.internal:8088/"],
  ["http://[::1]:8088", "http://host.docker.internal:8088/"],
  ["https://api.example.com", "https://api.example.com/"],
  ["http://localhost.example.com:1", "http://localhost.example.com:1/"],
])("a container sees %s as %s", (url, seen) => {
  expect(seenFromContainer(url)).toBe(seen);
  expect(isOwnMachine(seen)).toBe(false);
});
