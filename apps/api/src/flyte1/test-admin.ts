import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { type Db, openNotifier } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { AdminService } from "@skein/idl/service";
import { keyring } from "@skein/secrets";
import { openStorage } from "@skein/storage";
import { createTempFolder, createTestDatabase, type TestDatabase } from "@skein/testing";
import type { Call } from "../call.ts";
import { createServices, DEFAULT_SEEDS, type Services } from "../services.ts";
import { adminHandlers } from "./admin.ts";

type Methods = (typeof AdminService)["method"];

/** AdminService without a transport: requests may be partial, answers are whole messages as after a wire. */
export type TestAdmin = {
  readonly [Name in keyof Methods]: (
    request: MessageInitShape<Methods[Name]["input"]>,
  ) => Promise<MessageShape<Methods[Name]["output"]>>;
};

export const ANONYMOUS_CALL: Call = {
  caller: { kind: "anonymous", subject: "anonymous", name: "anonymous", scopes: [] },
  correlationId: "test",
  signal: new AbortController().signal,
  authorize: () => undefined,
};

export interface OpenTestAdmin {
  readonly admin: TestAdmin;
  readonly services: Services;
  readonly pool: TestDatabase["pool"];
  readonly db: Db;
  close(): Promise<void>;
}

/** The error of something that must fail as a caller's fault; anything else fails the test. */
export const rejection = (promise: Promise<unknown>): Promise<SkeinError> =>
  promise.then(
    () => {
      throw new Error("it was expected to fail");
    },
    (error: unknown) => {
      if (error instanceof SkeinError) return error;
      throw error;
    },
  );

/** The api's services over a database and a folder of their own. */
export async function openTestAdmin(): Promise<OpenTestAdmin> {
  const database = await createTestDatabase();
  const folder = createTempFolder("admin");
  const storage = await openStorage({
    uri: `file://${folder.path}`,
    signing: { secretKey: "0123456789abcdef0123456789abcdef", publicUrl: () => "http://localhost:8088" },
  });
  const notifier = openNotifier(database.pool);
  const config = { publicUrl: "http://localhost:8088", version: "0.0.0-test", cluster: "" };
  const services = createServices({
    db: database.db,
    storage,
    notifier,
    keyring: keyring([]),
    secretKey: "a secret of tests",
    config,
  });
  await services.projects.seed(DEFAULT_SEEDS);
  return {
    admin: toTestAdmin(services),
    services,
    pool: database.pool,
    db: database.db,
    close: async () => {
      await notifier.close();
      storage.close();
      await database.close();
      await folder.close();
    },
  };
}

function toTestAdmin(services: Services): TestAdmin {
  const handlers = adminHandlers(services) as Record<
    string,
    ((request: unknown, call: Call) => Promise<never>) | undefined
  >;
  const methods = Object.entries<DescMethodUnary>(AdminService.method).map(([name, method]) => {
    const handle = handlers[name];
    const ask = async (request: Record<string, unknown>) => {
      if (!handle) throw new Error(`${name} has no handler`);
      return create(method.output, await handle(create(method.input, request), ANONYMOUS_CALL));
    };
    return [name, ask];
  });
  return Object.fromEntries(methods) as TestAdmin;
}
