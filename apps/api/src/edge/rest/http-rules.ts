import { getOption, hasOption } from "@bufbuild/protobuf";
import { httpRule } from "@skein/idl/service";
import type { Rpc } from "../rpcs.ts";

type Segment = { readonly literal: string } | { readonly field: readonly string[] };

/** One address of one RPC, from its `google.api.http` option. */
export interface RestRoute {
  readonly rpc: Rpc;
  readonly verb: string;
  /** `/api/v1/tasks/{id.project}/…` as in the option. */
  readonly template: string;
  readonly segments: readonly Segment[];
  /** `*`: the body is the whole request; else the field that it is, or empty for no body. */
  readonly body: string;
}

/** Path parameters as text, by dotted field. */
export type PathValues = readonly (readonly [field: readonly string[], text: string])[];

export function restRoutes(rpcs: readonly Rpc[]): RestRoute[] {
  return rpcs.flatMap((rpc) => {
    if (!hasOption(rpc.method, httpRule)) return [];
    const rule = getOption(rpc.method, httpRule);
    return [rule, ...rule.additionalBindings].flatMap(({ pattern, body }) =>
      pattern.case === undefined || pattern.case === "custom"
        ? []
        : [
            {
              rpc,
              verb: pattern.case.toUpperCase(),
              template: pattern.value,
              segments: readTemplate(pattern.value),
              body,
            },
          ],
    );
  });
}

function readTemplate(template: string): Segment[] {
  return splitPath(template).map((part) => {
    const [, field] = /^\{([\w.]+)\}$/.exec(part) ?? [];
    return field === undefined ? { literal: part } : { field: field.split(".") };
  });
}

/** A trailing slash means nothing. */
const splitPath = (path: string): string[] => path.replace(/^\/|\/$/g, "").split("/");

/** Finds the route of a request; where two fit, the one with more literal segments. */
export interface RestMatcher {
  find(verb: string, path: string): { readonly route: RestRoute; readonly values: PathValues } | undefined;
  /** The verbs that the path does take. */
  verbsOf(path: string): string[];
}

export function restMatcher(routes: readonly RestRoute[]): RestMatcher {
  const literals = ({ segments }: RestRoute): number => segments.filter((segment) => "literal" in segment).length;
  const ordered = [...routes].sort((a, b) => literals(b) - literals(a));
  const matches = (path: string) => {
    const parts = splitPath(path);
    return ordered.flatMap((route) => {
      const values = matchSegments(route.segments, parts);
      return values ? [{ route, values }] : [];
    });
  };
  return {
    find: (verb, path) => matches(path).find(({ route }) => route.verb === verb),
    verbsOf: (path) => [...new Set(matches(path).map(({ route }) => route.verb))],
  };
}

function matchSegments(segments: readonly Segment[], parts: readonly string[]): PathValues | undefined {
  if (segments.length !== parts.length) return undefined;
  const values: [readonly string[], string][] = [];
  for (const [index, segment] of segments.entries()) {
    const text = decode(parts[index] ?? "");
    if (text === undefined || text === "") return undefined;
    if ("field" in segment) values.push([segment.field, text]);
    else if (segment.literal !== text) return undefined;
  }
  return values;
}

/** Undefined for what is no valid percent-encoding, which then matches nothing. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
