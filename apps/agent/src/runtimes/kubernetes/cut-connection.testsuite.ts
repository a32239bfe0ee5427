import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createTempFolder, freePort } from "@skein/testing";

/** A way to an API server that a test can cut. */
export interface CuttableWay {
  readonly kubeconfig: string;
  /** Ends all connections and takes no new ones. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** The cluster of a kubeconfig, by a way that can be cut. */
export async function openCuttableWay(kubeconfig: string): Promise<CuttableWay> {
  const text = readFileSync(kubeconfig, "utf8");
  const server = /https:\/\/([\d.]+):(\d+)/.exec(text);
  if (!server) throw new Error(`${kubeconfig} names no server`);
  const temp = createTempFolder("way");
  const port = await freePort();
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(server[2]), server[1]);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  const path = join(temp.path, "kubeconfig");
  writeFileSync(path, text.replace(server[0], `https://127.0.0.1:${port}`));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    kubeconfig: path,
    cut,
    mend: () => {
      isCut = false;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => proxy.close(resolve));
      await temp.close();
    },
  };
}
