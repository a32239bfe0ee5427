import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { createTempFolder, waitFor } from "@skein/testing";
import Docker from "dockerode";
import { expect, test } from "vitest";
import { DaemonPulse } from "./docker-pulse.ts";

const listen = (path: string): Promise<Server> => {
  const server = createServer((_, response) => response.end("OK"));
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
};
const end = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

test("a daemon that went away is a problem until it is back", async () => {
  const temp = createTempFolder("docker-pulse");
  const socketPath = join(temp.path, "docker.sock");
  const first = await listen(socketPath);
  const pulse = new DaemonPulse(new Docker({ socketPath }), 20, 500);
  expect(pulse.problem).toBeUndefined();
  await end(first);
  expect(await waitFor(() => pulse.problem)).toMatch(/^Docker has not answered for \d+ s: connect ENOENT/);
  const second = await listen(socketPath);
  await waitFor(() => pulse.problem === undefined);
  pulse.close();
  await end(second);
  await temp.close();
});
