import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "../trpc/router.ts";

type Inputs = inferRouterInputs<AppRouter>;
type Outputs = inferRouterOutputs<AppRouter>;

interface Procedure<Input, Output> {
  query(input: Input): Promise<Output>;
  mutate(input: Input): Promise<Output>;
}

/** The typed API over its wire format, as far as tests of the api need it. */
export type TestTrpc = {
  readonly [Router in keyof Inputs & keyof Outputs]: {
    readonly [Name in keyof Inputs[Router] & keyof Outputs[Router]]: Procedure<
      Inputs[Router][Name],
      Outputs[Router][Name]
    >;
  };
};

/** Fails with the answer's `data`, which holds our code and reason. */
export function openTestTrpc(url: string, headers: Record<string, string> = {}): TestTrpc {
  const ask = async (path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}/trpc/${path}`, init);
    const answer = (await response.json()) as {
      result?: { data: unknown };
      error?: { message: string; data: unknown };
    };
    if (answer.result) return answer.result.data;
    throw Object.assign(new Error(answer.error?.message ?? "no answer"), { data: answer.error?.data });
  };
  const procedure = (path: string): Procedure<unknown, unknown> => ({
    query: (input) =>
      ask(input === undefined ? path : `${path}?input=${encodeURIComponent(JSON.stringify(input))}`, { headers }),
    mutate: (input) =>
      ask(path, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(input),
      }),
  });
  const routerOf = (router: string) =>
    new Proxy({}, { get: (_target, name) => procedure(`${router}.${String(name)}`) });
  return new Proxy({}, { get: (_target, router) => routerOf(String(router)) }) as TestTrpc;
}
