import { createTempFolder, createTestDatabase, type TestDatabase } from "@skein/testing";
import { ApiConfig } from "../config.ts";
import { type Api, type ApiDependencies, startApi } from "../start.ts";

export const TEST_SECRET_KEY = "test-secret-key-of-more-than-32-characters";

export interface TestApi extends Api {
  readonly database: TestDatabase;
  /** `127.0.0.1:port`. */
  readonly address: string;
}

/** The whole api on a free port, over a database and a folder of its own. */
export async function startTestApi(
  overrides: Partial<ApiConfig> = {},
  dependencies: ApiDependencies = {},
): Promise<TestApi> {
  const database = await createTestDatabase();
  const folder = createTempFolder("api");
  const config: ApiConfig = {
    ...ApiConfig.parse({
      databaseUrl: database.url,
      storage: `file://${folder.path}`,
      secretKey: TEST_SECRET_KEY,
      logLevel: "silent",
    }),
    port: 0,
    grpcPort: "off",
    ...overrides,
  };
  const api = await startApi(config, dependencies).catch(async (error: unknown) => {
    await database.close();
    await folder.close();
    throw error;
  });
  return {
    ...api,
    database,
    address: `127.0.0.1:${api.ports[0]}`,
    close: async () => {
      await api.close();
      await folder.close();
      await database.close();
    },
  };
}
