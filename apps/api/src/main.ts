import { SkeinError } from "@skein/errors";
import { issueAgentTokens } from "./auth/issue-agent-tokens.ts";
import { readConfig } from "./config.ts";
import { startApi } from "./start.ts";

try {
  if (process.argv[2] === "agent-tokens") {
    process.stdout.write(`${await issueAgentTokens(process.argv.slice(3), process.env)}\n`);
    process.exit(0);
  }
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
