import { join } from "node:path";
import { readAgentConfig, startAgent } from "@skein/agent";
import { readApiConfig, signAgentToken, startApi } from "@skein/api/start";
import { readSchedulerConfig, startScheduler } from "@skein/scheduler";
import { createTempFolder, createTestDatabase } from "@skein/testing";
import { freePort } from "../dev/free-port.ts";
import { runProgram } from "../run-program.ts";

/** What a command said, and its exit code. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server with a scheduler and an agent, and the command line before it, in this process: starting a program costs more than what it does. */
export interface TestCli {
  readonly url: string;
  skein(...args: readonly string[]): Promise<Said>;
  /** What a command says with `-o json`; fails unless its exit code is 0. */
  json(...args: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

export async function openTestCli(): Promise<TestCli> {
  const folder = createTempFolder("cli");
  const database = await createTestDatabase();
  const secretKey = "0123456789abcdef0123456789abcdef";
  const environment = {
    DATABASE_URL: database.url,
    SKEIN_STORAGE: `file://${folder.path}`,
    SKEIN_SECRET_KEY: secretKey,
    SKEIN_PORT: String(await freePort()),
    SKEIN_GRPC_PORT: "off",
    SKEIN_LOG_LEVEL: process.env.SKEIN_TEST_LOG_LEVEL ?? "silent",
  };
  const api = await startApi(readApiConfig(environment));
  const scheduler = await startScheduler(readSchedulerConfig(environment));
  const agent = await startAgent(
    readAgentConfig({
      SKEIN_API_URL: api.url,
      SKEIN_AGENT_TOKEN: await signAgentToken(secretKey, { subject: "a1", pool: "default", lifetimeSeconds: 3_600 }),
      SKEIN_AGENT_ID: "a1",
      SKEIN_AGENT_HOME: join(folder.path, "agent"),
      SKEIN_QUEUE_DATABASE_URL: database.url,
      SKEIN_STORAGE: environment.SKEIN_STORAGE,
      SKEIN_LOG_LEVEL: environment.SKEIN_LOG_LEVEL,
    }),
  );
  const own = { HOME: folder.path, SKEIN_API_URL: api.url, NO_COLOR: "1" };
  const skein = (...args: readonly string[]) => captured(() => runProgram(own, args));
  return {
    url: api.url,
    skein,
    json: async (...args) => {
      const { code, stdout, stderr } = await skein(...args, "-o", "json");
      if (code !== 0) throw new Error(`skein ${args.join(" ")} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as unknown;
    },
    close: async () => {
      await agent.close();
      await scheduler.close();
      await api.close();
      await database.close();
      await folder.close();
    },
  };
}

/** One command at a time: what it writes is taken from the process's own streams. */
async function captured(work: () => Promise<number>): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const write = stream.write;
    stream.write = (text: string | Uint8Array) => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  try {
    return { code: await work(), ...said };
  } finally {
    for (const back of restore) back();
  }
}
