import { Code, ConnectError } from "@connectrpc/connect";
import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import { expect, test } from "vitest";
import { createPublishError, toConnectError } from "./errors.ts";

const logged: unknown[] = [];
const log = (facts: unknown): void => void logged.push(facts);
const publish = createPublishError({ error: log, warn: log } as unknown as Logger);

test("an expected failure is published as it is", () => {
  const error = new SkeinError("not_found", "run_not_found", "Run x does not exist.");
  expect(publish(error, "c1")).toBe(error);
});

test("anything unexpected is internal, says nothing but an id, and is logged under it", () => {
  const error = publish(new Error("password is hunter2"), "c1");
  expect(error).toMatchObject({ code: "internal" });
  expect(error.message).toContain("c1");
  expect(error.message).not.toContain("hunter2");
  expect(logged).toMatchObject([{ correlationId: "c1" }]);
});

test("nothing is ever unknown", () => {
  expect(publish(new ConnectError("?", Code.Unknown), "c").code).toBe("internal");
  expect(publish("a string", "c").code).toBe("internal");
  expect(publish(undefined, "c").code).toBe("internal");
});

test("a database that is away is unavailable, so that clients try again", () => {
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  expect(publish(new Error("query failed", { cause: refused }), "c").code).toBe("unavailable");
  expect(publish(Object.assign(new Error("x"), { code: "57P01" }), "c").code).toBe("unavailable");
  for (const code of ["ETIMEDOUT", "EAI_AGAIN", "25006", "40P01"]) {
    expect(publish(Object.assign(new Error("x"), { code }), "c").code).toBe("unavailable");
  }
  expect(publish(new Error("Cannot use a pool after calling end on the pool"), "c").code).toBe("unavailable");
  expect(publish(Object.assign(new Error("x"), { code: "23505" }), "c").code).toBe("internal");
});

test("reason and details travel, and the text fits into trailers however it is written", () => {
  const protoDetails = [{ typeName: "flyteidl.admin.InactiveProject", value: new Uint8Array(300) }];
  for (const unit of ["a", "\n", "é", "漢", "😀", "\ud800"]) {
    const error = new SkeinError("failed_precondition", "why", unit.repeat(40_000), { protoDetails });
    const published = toConnectError(error);
    const encoded = encodeURIComponent(published.rawMessage).length;
    const again = Math.ceil((Buffer.byteLength(published.rawMessage) + 360) * (4 / 3));
    expect(encoded + again).toBeLessThanOrEqual(31_000);
    expect(encoded).toBeGreaterThan(12_000);
    expect(published.metadata.get("error-reason")).toBe("why");
    expect(published.details).toEqual([{ type: "flyteidl.admin.InactiveProject", value: new Uint8Array(300) }]);
  }
});

test("a short text is not touched", () => {
  expect(toConnectError(new SkeinError("aborted", "x", "Zeile 1\nZeile 2 ü")).rawMessage).toBe("Zeile 1\nZeile 2 ü");
});
