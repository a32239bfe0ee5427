import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { openLogger } from "./logger.ts";

/** What one call wrote, as text and as facts. */
function linesOf(log: (logger: ReturnType<typeof openLogger>) => void) {
  const lines: string[] = [];
  log(openLogger({ name: "test", level: "info", write: (line) => lines.push(line) }));
  const text = lines.join("");
  return { text, facts: JSON.parse(text) as Record<string, never> & { err: Record<string, unknown> } };
}

/** What pg throws when a connection dies: the error carries its whole client. */
function lostConnection(): Error {
  const client = Object.assign(new EventEmitter(), {
    connectionParameters: { host: "db", password: "hunter2" },
    secretKey: 1234567,
    processID: 7,
  });
  return Object.assign(new Error("Connection terminated unexpectedly"), { client, code: "57P01", severity: "FATAL" });
}

test("an error is told by its type, message, stack, codes and causes, and by nothing that hangs on it", () => {
  const cause = Object.assign(lostConnection(), { detail: "Key (email)=(a@b.c) exists", constraint: "people_pkey" });
  const named = { name: "SkeinError", code: "unavailable", reason: "database_away", details: { row: "private" } };
  const error = Object.assign(new Error("The database is away", { cause }), named);
  const { text, facts } = linesOf((logger) => logger.error({ runId: "r1", err: error }, "no luck"));
  expect(facts).toMatchObject({ runId: "r1", msg: "no luck" });
  expect(facts.err).toMatchObject({
    type: "SkeinError",
    message: "The database is away",
    code: "unavailable",
    reason: "database_away",
    cause: { type: "Error", code: "57P01", severity: "FATAL", constraint: "people_pkey" },
  });
  expect(facts.err.stack).toContain("logger.test.ts");
  for (const secret of ["hunter2", "1234567", "a@b.c", "private", "processID"]) expect(text).not.toContain(secret);
});

test("errors are told the same way under any name, inside each other and without end", () => {
  const first = lostConnection();
  const second = new AggregateError([first, new Error("two")], "both failed", { cause: first });
  first.cause = second;
  const { text, facts } = linesOf((logger) => logger.warn({ reason: second, list: [first] }, "twice"));
  expect(facts).toMatchObject({ reason: { type: "AggregateError", errors: [{ code: "57P01" }, { message: "two" }] } });
  expect(text).not.toContain("hunter2");
  expect(linesOf((logger) => logger.error(first)).text).not.toContain("hunter2");
});

test("an error that is no Error is told as text", () => {
  expect(linesOf((logger) => logger.error({ err: "out of luck" }, "x")).facts.err).toBe("out of luck");
});

test("secrets are replaced wherever they stand, and the rest of the line stays", () => {
  const { text, facts } = linesOf((logger) =>
    logger.child({ request: { headers: { Authorization: "Basic c2VjcmV0OjE=", host: "skein" } } }).info(
      {
        databaseUrl: "postgres://skein:hunter2@db:5432/skein",
        deep: { er: { token: "hunter2", list: [{ password: 'hun"ter2' }] } },
        err: new Error("cannot reach redis://:hunter2@cache:6379/0 with Bearer eyJhbGci.eyJzdWIi.c2ln"),
      },
      "ska_hunter2 asked for https://b.s3/x?X-Amz-Signature=hunter2&X-Amz-Date=1 with postgres://me:p%40hunter2@db",
    ),
  );
  expect(text).not.toMatch(/hunter2|ter2|c2VjcmV0|eyJ/);
  expect(facts).toMatchObject({
    request: { headers: { Authorization: "[redacted]", host: "skein" } },
    deep: { er: { token: "[redacted]", list: [{ password: "[redacted]" }] } },
    err: { message: "cannot reach redis://:[redacted]@cache:6379/0 with Bearer [redacted]" },
    msg: "[redacted] asked for https://b.s3/x?X-Amz-Signature=[redacted]&X-Amz-Date=1 with postgres://me:[redacted]@db",
  });
});
