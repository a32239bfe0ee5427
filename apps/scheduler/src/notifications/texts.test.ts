import type { RunEnded } from "@skein/contracts";
import { expect, test } from "vitest";
import { durationText, mailSubject, plainText, slackBody } from "./texts.ts";

const version = { project: "p", domain: "d", name: "my.plan", version: "v1" };
const message: RunEnded = {
  type: "run.ended",
  version: 1,
  run: {
    ...{ project: "p", domain: "d", name: "r1", phase: "failed", mode: "manual", principal: "ann" },
    createdAt: "2026-01-01T00:00:00.000Z",
    startedAt: "2026-01-01T00:00:01.000Z",
    endedAt: "2026-01-01T00:01:04.250Z",
    durationSeconds: 63.25,
    url: "https://skein.example.com/console/projects/p/domains/d/executions/r1",
  },
  launchPlan: version,
  workflow: { ...version, name: "my.workflow" },
  task: null,
  error: { code: "USER:ValueError", kind: "user", message: "no such file\nat line 3" },
  abort: null,
};

test("a mail tells which run of what ended how, when, after how long, why, and where to look", () => {
  expect(mailSubject(message)).toBe("[p/d] my.plan: run r1 failed");
  expect(plainText(message)).toBe(`Run r1 failed.

Project:   p, d
Ran:       launch plan my.plan, version v1
Started:   2026-01-01T00:00:01.000Z, by ann (manual)
Ended:     2026-01-01T00:01:04.250Z
Took:      1 min 3 s
Look:      https://skein.example.com/console/projects/p/domains/d/executions/r1

Error USER:ValueError (user):
no such file
at line 3
`);
});

test("an aborted task tells who aborted it", () => {
  const run = { ...message.run, phase: "aborted" as const, startedAt: null, durationSeconds: null, url: null };
  const abort = { cause: "not needed", principal: "bob" };
  const text = plainText({ ...message, run, launchPlan: null, workflow: null, task: version, error: null, abort });
  expect(text).toContain("Run r1 was aborted.");
  expect(text).toContain("Ran:       task my.plan");
  expect(text).toContain("Started:   never");
  expect(text).toContain("Aborted by bob: not needed");
});

test("no name breaks out of its line", () => {
  const evil = { ...version, name: "a\r\nBcc: everybody@example.com\u2028x" };
  expect(mailSubject({ ...message, launchPlan: evil })).toBe("[p/d] a Bcc: everybody@example.com x: run r1 failed");
  const long = { ...version, name: "x".repeat(1_000) };
  expect(mailSubject({ ...message, launchPlan: long })).toHaveLength(200);
});

test("Slack is told the same, and nothing in it calls anybody or leaves its block", () => {
  const error = { code: "E", kind: "user" as const, message: "<!channel> a & b ``` *bold*" };
  const { text } = JSON.parse(slackBody({ ...message, error })) as { text: string };
  expect(text).toBe(
    ":x: p/d my.plan: run <https://skein.example.com/console/projects/p/domains/d/executions/r1|r1> failed after 1 min 3 s" +
      "\n```E: &lt;!channel&gt; a &amp; b ''' *bold*```",
  );
});

test.each([
  [0.04, "0 s"],
  [1.25, "1.3 s"],
  [59.99, "60 s"],
  [65, "1 min 5 s"],
  [7_384, "2 h 3 min"],
])("%d seconds are %s", (seconds, text) => expect(durationText(seconds)).toBe(text));
