import { expect, test } from "vitest";
import { readConnectors } from "./connector-config.ts";

test("a list of addresses is enough, and only this machine is spoken to without TLS", () => {
  const urls = readConnectors("[::1]:8002,localhost:8000, 127.0.0.1:8001,flyte.example.com:443").map(({ url }) => url);
  expect(urls).toEqual([
    "http://[::1]:8002",
    "http://localhost:8000",
    "http://127.0.0.1:8001",
    "https://flyte.example.com",
  ]);
});

test("a connector is described whole", () => {
  const one = {
    name: "bigquery",
    endpoint: "dns:///connectors.flyte.svc:8000",
    insecure: true,
    timeoutSeconds: { sync: 60 },
    pollSeconds: 30,
    taskTypes: ["bigquery_query_job_task"],
  };
  expect(readConnectors(JSON.stringify([one]))).toMatchObject([
    {
      name: "bigquery",
      url: "http://connectors.flyte.svc:8000",
      pollMs: 30_000,
      timeoutsMs: { sync: 60_000, create: 30_000, get: 10_000 },
      taskTypes: ["bigquery_query_job_task"],
    },
  ]);
});

test.each([
  ["nonsense", /\[0\]\.endpoint|endpoint: must be host:port/],
  ["host:1/path", /must be host:port/],
  ["me:secret@host:443", /must be host:port/],
  ["http://other.example.com:80", /speaks no TLS to another machine/],
  ["[{", /is no JSON/],
  ["{}", /array/],
  ['[{"endpoint":"https://a:1","insecure":true}]', /exclude each other/],
  ['[{"endpoint":"a:1","insecure":true,"tokenFile":"/t"}]', /would travel unprotected/],
  ['[{"endpoint":"a:1","insecure":true,"headers":{"x-key":"k"}}]', /would travel unprotected/],
  ['[{"endpoint":"localhost:1","caFile":"/ca.pem"}]', /no use without TLS/],
  ['[{"endpoint":"a:1","headers":{"grpc-timeout":"1"}}]', /gRPC's own/],
  ['[{"endpoint":"a:1","headers":{"x-key":"a\\nb"}}]', /printable ASCII/],
  ['[{"endpoint":"a:1","tokenFile":"t"}]', /\[0\]\.tokenFile: must be an absolute path/],
  ['[{"endpoint":"a:1","timeoutSeconds":{"poll":1}}]', /timeoutSeconds/],
  ['[{"endpoint":"a:1","timeout":1}]', /timeout/],
  ["a:1,a:1", /the name "a:1" is there twice/],
  ['[{"endpoint":"a:1","taskTypes":["x"]},{"endpoint":"b:1","taskTypes":["x"]}]', /the task type "x" is there twice/],
])("%s is refused, and why", (text, problem) => {
  expect(() => readConnectors(text)).toThrow(problem);
});
