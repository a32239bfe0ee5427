import { SkeinError } from "@skein/errors";
import { readConfig } from "./config.ts";
import { startApi } from "./start.ts";

try {
  const api = await startApi(readConfig(process.env), { environment: process.env });
  const stop = async (): Promise<void> => {
    await api.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
} catch (error) {
  console.error(error instanceof SkeinError ? error.message : error);
  process.exit(1);
}
