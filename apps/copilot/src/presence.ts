import { connect, createServer } from "node:net";

const ANSWER_MS = 2_000;

/** Linux' abstract names need no file, and end with their process. */
const addressOf = (name: string): string => `\0${name}`;

/**
 * Shows that this process hears signals from now on. The first process of a container never hears of one that came before
 * it listened, so a task must not begin, and end, before.
 */
export async function showPresence(name: string): Promise<() => void> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(addressOf(name), resolve);
  });
  server.unref();
  return () => server.close();
}

/** Whether somebody shows their presence under this name in the same network namespace. */
export const isPresent = (name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(addressOf(name), () => {
      socket.destroy();
      resolve(true);
    });
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(false));
  });
