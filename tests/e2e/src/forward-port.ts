import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Passes on what comes to `from` (port 0: any free one), as a tunnel of `kubectl port-forward` does. */
export async function forwardPort(from: Place, to: Place): Promise<{ readonly port: number; close(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to.port, to.host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(from.port, from.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
