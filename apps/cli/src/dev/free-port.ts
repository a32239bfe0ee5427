import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A port that is free on the loopback interface right now. */
export const freePort = async (): Promise<number> => await listenOnce(0, "127.0.0.1");

/** Whether nobody listens on this port. */
export async function isPortFree(port: number, host: string): Promise<boolean> {
  try {
    await listenOnce(port, host);
    return true;
  } catch {
    return false;
  }
}

/** The first free port from `first` on; `first` itself when it is free. */
export async function nextFreePort(first: number, host: string): Promise<number> {
  for (let port = first; port <= 65_535; port += 1) if (await isPortFree(port, host)) return port;
  return await freePort();
}

async function listenOnce(port: number, host: string): Promise<number> {
  const server = createServer();
  server.listen(port, host);
  await once(server, "listening");
  const { port: bound } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return bound;
}
