import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { waitFor } from "@skein/testing";
import { afterEach, expect, test } from "vitest";
import { ClusterClient } from "./cluster-client.ts";
import { PodInformer } from "./pod-informer.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const pod = (name: string, version: number) => ({
  metadata: { name, namespace: "n", uid: name, resourceVersion: String(version) },
});
const list = (version: number, ...items: object[]) => ({ metadata: { resourceVersion: String(version) }, items });

/** An API server that answers the requests for pods one after the other as it is told, and what the informer says of it. */
async function listenTo(answers: ((response: ServerResponse) => void)[]) {
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://x").searchParams);
    const answer = answers.shift();
    if (answer) answer(response);
    else response.writeHead(200).flushHeaders();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const config = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: "c", server: url, skipTLSVerify: true }, { name: "u" });
  const client = new ClusterClient(config);
  const news: string[] = [];
  const informer = new PodInformer({
    client,
    path: "/api/v1/pods",
    labelSelector: "mine",
    onPod: ({ metadata }) => news.push(`${metadata?.name} ${metadata?.resourceVersion}`),
    onGone: ({ metadata }) => news.push(`${metadata?.name} gone`),
  });
  closers.push(() => {
    informer.close();
    client.close();
    server.close();
    server.closeAllConnections();
  });
  await informer.start();
  return { asked, news, informer };
}

const json = (value: object) => (response: ServerResponse) => void response.end(JSON.stringify(value));
const events =
  (...lines: object[]) =>
  (response: ServerResponse) =>
    void response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
const refusal = (code: number) => (response: ServerResponse) =>
  void response.writeHead(code).end(JSON.stringify({ kind: "Status", code, message: "no" }));

test("a place in history that the server forgot is made up for by a list, and all that was missed is told", async () => {
  const gone = { type: "ERROR", object: { kind: "Status", code: 410, message: "too old resource version" } };
  const { asked, news } = await listenTo([
    json(list(10, pod("a", 1), pod("b", 2))),
    events({ type: "ADDED", object: pod("c", 11) }, gone),
    json(list(20, pod("a", 15), pod("c", 11))),
  ]);
  await waitFor(() => asked.length === 4);
  expect(news).toEqual(["a 1", "b 2", "c 11", "a 15", "b gone"]);
  expect(asked.map((query) => query.get("resourceVersion"))).toEqual([null, "10", null, "20"]);
});

test("a watch that ends goes on where a bookmark says, without a list", async () => {
  const { asked, news } = await listenTo([
    json(list(10)),
    events({ type: "BOOKMARK", object: { metadata: { resourceVersion: "30" } } }),
    events({ type: "ADDED", object: pod("a", 31) }, { type: "DELETED", object: pod("a", 32) }),
  ]);
  await waitFor(() => asked.length === 4);
  expect(news).toEqual(["a 31", "a gone"]);
  expect(asked.map((query) => query.get("resourceVersion"))).toEqual([null, "10", "30", "32"]);
});

test("a server that refuses is asked again, and a pod that was made and never seen is told to be gone", async () => {
  const answers = [json(list(10)), refusal(500), refusal(503), json(list(20))];
  const { asked, news, informer } = await listenTo(answers);
  informer.add(pod("mine", 12));
  await waitFor(() => asked.length === 5);
  expect(news).toEqual(["mine gone"]);
  expect(informer.problem).toBeUndefined();
});

test("a list comes in pages, and of two pods of one name the first is gone", async () => {
  const first = { ...list(10, pod("a", 1)), metadata: { resourceVersion: "10", continue: "more" } };
  const { asked, news } = await listenTo([
    json(first),
    json(list(10, pod("b", 2))),
    events({ type: "ADDED", object: { metadata: { ...pod("a", 11).metadata, uid: "another" } } }),
  ]);
  await waitFor(() => news.length === 4);
  expect(asked[1]?.get("continue")).toBe("more");
  expect(news).toEqual(["a 1", "b 2", "a gone", "a 11"]);
});
