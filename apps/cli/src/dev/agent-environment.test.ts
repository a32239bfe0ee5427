import { expect, test } from "vitest";
import { agentEnvironment } from "./agent-environment.ts";

test("the agent gets what it needs and nothing of the server's or the user's", () => {
  const environment = {
    PATH: "/bin",
    SKEIN_RUNTIME: "docker",
    SKEIN_AGENT_SLOTS: "4",
    SKEIN_DOCKER_NETWORK: "none",
    DATABASE_URL: "postgres://skein",
    SKEIN_SECRET_KEY: "secret",
    GITHUB_TOKEN: "secret",
    PGPASSWORD: "secret",
    TZ: undefined,
  };
  expect(agentEnvironment(environment, { SKEIN_AGENT_TOKEN: "token" })).toEqual({
    PATH: "/bin",
    SKEIN_RUNTIME: "docker",
    SKEIN_AGENT_SLOTS: "4",
    SKEIN_DOCKER_NETWORK: "none",
    SKEIN_AGENT_TOKEN: "token",
  });
});
