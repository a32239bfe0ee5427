import { UNLIMITED } from "@skein/contracts";
import { expect, test } from "vitest";
import { readAgentConfig } from "./config.ts";

const needed = {
  SKEIN_STORAGE: "file:///var/lib/skein/storage",
  SKEIN_API_URL: "http://localhost:8088",
  SKEIN_AGENT_TOKEN: "token",
  SKEIN_AGENT_HOME: "/var/lib/skein/agent",
};

test("few variables are needed, and tasks get no credentials of the agent's unless it is said", () => {
  const config = readAgentConfig({ ...needed, AWS_ACCESS_KEY_ID: "own" });
  expect(config).toMatchObject({ runtime: "process", isolation: "auto", pool: "default", taskCredentials: "own" });
  expect(config.dockerUser).toBe("auto");
  expect(config.taskAwsAccessKeyId).toBeUndefined();
});

test("every wrong variable is named at once", () => {
  const wrong = { ...needed, SKEIN_AGENT_SLOTS: "none", SKEIN_RUNTIME: "pods", SKEIN_TASK_PATH: "bin" };
  expect(() => readAgentConfig(wrong)).toThrow(
    /SKEIN_AGENT_SLOTS[\s\S]*SKEIN_RUNTIME[\s\S]*SKEIN_TASK_PATH|SKEIN_RUNTIME[\s\S]*SKEIN_AGENT_SLOTS/,
  );
});

test("folders are read as a list", () => {
  expect(readAgentConfig({ ...needed, SKEIN_TASK_PATH: "/a/bin:/b/bin" }).taskPath).toEqual(["/a/bin", "/b/bin"]);
});

test.each([
  ["1000", true],
  ["1000:100", true],
  ["image", true],
  ["root", false],
  ["1000:", false],
])("SKEIN_DOCKER_USER=%s is understood: %s", (user, isUnderstood) => {
  const read = () => readAgentConfig({ ...needed, SKEIN_DOCKER_USER: user }).dockerUser;
  if (isUnderstood) expect(read()).toBe(user);
  else expect(read).toThrow(/SKEIN_DOCKER_USER: must be auto, image or uid/);
});

test("what an agent has is said in quantities, and labels as pairs", () => {
  const given = { SKEIN_AGENT_CPU: "7500m", SKEIN_AGENT_MEMORY: "1.5Gi", SKEIN_AGENT_GPUS: "unlimited" };
  const config = readAgentConfig({ ...needed, ...given, SKEIN_AGENT_LABELS: "zone=eu-1, disk=nvme,empty=" });
  expect(config).toMatchObject({ agentCpu: 7500, agentMemory: 1536, agentGpus: UNLIMITED });
  expect(config.agentLabels).toEqual({ zone: "eu-1", disk: "nvme", empty: "" });
});

test.each([
  ["SKEIN_AGENT_CPU", "-1"],
  ["SKEIN_AGENT_MEMORY", "much"],
  ["SKEIN_AGENT_GPUS", "2x"],
  ["SKEIN_AGENT_LABELS", "zone"],
])("%s=%s is refused", (name, value) => {
  expect(() => readAgentConfig({ ...needed, [name]: value })).toThrow(new RegExp(`${name}: must be`));
});
