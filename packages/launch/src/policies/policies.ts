import type { ProjectAttributes } from "@skein/db";
import { fromBytes } from "@skein/idl";
import { LabelsSchema, type MatchingAttributes, MatchingAttributesSchema } from "@skein/idl/admin";

type Target = MatchingAttributes["target"];
/** What a policy is about, as the field of `flyteidl.admin.MatchingAttributes`. */
export type PolicyKind = Exclude<Target["case"], undefined>;
export type PolicyOf<Kind extends PolicyKind> = Extract<Target, { readonly case: Kind }>["value"];

/** What a policy of a project may be for. Empty parts are parts of nothing that has a name, such as a single task. */
export interface PolicyScope {
  readonly domain: string;
  readonly workflow: string;
  readonly launchPlan: string;
}

/** All that administrators set for one project, decoded. */
export interface Policies {
  /** Of the project itself. */
  readonly labels: Readonly<Record<string, string>>;
  /** Those of a kind that hold for the scope, from the narrowest to the widest. */
  all<Kind extends PolicyKind>(kind: Kind, scope: PolicyScope): PolicyOf<Kind>[];
  /** The narrowest that holds for the scope: of most kinds it alone counts. */
  narrowest<Kind extends PolicyKind>(kind: Kind, scope: PolicyScope): PolicyOf<Kind> | undefined;
}

/** Reads what a project's rows say. */
export function readPolicies({ labels, rows }: ProjectAttributes): Policies {
  const decoded = rows.map(({ domain, workflow, launchPlan, attributes }) => {
    const { target } = fromBytes(MatchingAttributesSchema, attributes);
    return { domain, workflow, launchPlan, target };
  });
  const all = <Kind extends PolicyKind>(kind: Kind, scope: PolicyScope): PolicyOf<Kind>[] =>
    decoded.flatMap(({ target, ...set }) =>
      target.case === kind && holds(set, scope) ? [target.value as PolicyOf<Kind>] : [],
    );
  return {
    labels: labels ? fromBytes(LabelsSchema, labels).values : {},
    all,
    narrowest: (kind, scope) => all(kind, scope)[0],
  };
}

/** Of a project for which nobody set anything. */
export const NO_POLICIES: Policies = readPolicies({ labels: undefined, rows: [] });

const holds = (set: PolicyScope, scope: PolicyScope): boolean =>
  (set.domain === "" || set.domain === scope.domain) &&
  (set.workflow === "" || set.workflow === scope.workflow) &&
  (set.launchPlan === "" || set.launchPlan === scope.launchPlan);
