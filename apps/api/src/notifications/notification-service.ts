import { SealedTarget, TARGET_PURPOSE, targetPlace } from "@skein/contracts";
import {
  countNotificationRules,
  type Db,
  type DeliveryFilter,
  type DeliveryRow,
  deleteNotificationRule,
  listDeliveries,
  listNotificationRules,
  type NotificationRule,
  retryDelivery,
  setNotificationRule,
} from "@skein/db";
import { invariant, SkeinError } from "@skein/errors";
import { serverKey } from "@skein/secrets";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { checkText, invalid } from "../registry/identity.ts";
import { checkMailAddress } from "./mail-address.ts";

/** Who is told. */
export type Target =
  | { readonly kind: "email"; readonly addresses: readonly string[] }
  | { readonly kind: "slack"; readonly url: string }
  | { readonly kind: "webhook"; readonly url: string; readonly secret: string };

/** A rule as somebody sets it. Domain, launch plan or workflow left out: any. */
export interface RuleToSet {
  readonly project: string;
  readonly domain?: string | undefined;
  readonly name: string;
  readonly launchPlan?: string | undefined;
  /** Or, for runs of a single task, the task's name. */
  readonly workflow?: string | undefined;
  readonly phases: readonly EndPhase[];
  readonly target: Target;
}

export const END_PHASES = ["succeeded", "failed", "aborted"] as const;
export type EndPhase = (typeof END_PHASES)[number];

/** Until organisations exist there is one, without a name. */
const ORG = "";
const RULES_MAX = 200;
const ADDRESSES_MAX = 50;
const URL_LENGTH_MAX = 2_048;
/** Shorter ones can be guessed by who sees a message and its signature. */
const SECRET_LENGTH_MIN = 24;
const SECRET_LENGTH_MAX = 512;

/** Rules about who hears of the ends of runs, and what became of what was sent. */
export function notificationService({
  db,
  projects,
  secretKey,
}: {
  readonly db: Db;
  readonly projects: Pick<ProjectService, "get" | "domains">;
  readonly secretKey: string;
}) {
  const key = serverKey(secretKey, TARGET_PURPOSE);

  /** What is shown of a target, and what is kept of it that nobody is shown. */
  function toColumns(target: Target, name: Parameters<typeof targetPlace>[0]) {
    if (target.kind === "email") {
      checkAddresses(target.addresses);
      return { kind: target.kind, addresses: [...target.addresses], host: "", sealed: null };
    }
    const url = readUrl(target.url);
    const secret = target.kind === "webhook" ? readSecret(target.secret) : null;
    const sealed = key.close(
      targetPlace(name),
      Buffer.from(JSON.stringify(SealedTarget.parse({ url: url.href, secret }))),
    );
    return { kind: target.kind, addresses: [], host: url.host, sealed };
  }

  return {
    /** Makes a rule, or puts this one in the place of the one that has its name. */
    async setRule(call: Call, rule: RuleToSet): Promise<NotificationRule> {
      const { project, domain = "", launchPlan = "", workflow = "" } = rule;
      checkText("name", rule.name);
      await projects.get(call, project);
      if (domain !== "") await requireDomain(call, domain, projects);
      const name = { org: ORG, project, domain, name: rule.name };
      const columns = toColumns(rule.target, name);
      if ((await countNotificationRules(db, name)) >= RULES_MAX) throw tooMany(project);
      const phases = Array.from(new Set(rule.phases));
      const createdBy = call.caller.subject;
      const row = await setNotificationRule(db, { ...name, ...columns, launchPlan, workflow, phases, createdBy });
      invariant(row, "an upsert answers its row");
      return row;
    },

    /** What waits to be delivered by it fails. */
    async deleteRule(_call: Call, { project, domain = "", name }: Pick<RuleToSet, "project" | "domain" | "name">) {
      if (await deleteNotificationRule(db, { org: ORG, project, domain, name })) return;
      const where = domain === "" ? project : `${project}/${domain}`;
      throw new SkeinError("not_found", "rule_not_found", `There is no rule ${name} in ${where}.`);
    },

    rules: (_call: Call, where: { readonly project: string; readonly domain?: string | undefined }) =>
      listNotificationRules(db, { org: ORG, ...where }),

    deliveries: (
      _call: Call,
      filter: Omit<DeliveryFilter, "org">,
      page: { readonly limit: number; readonly offset: number },
    ): Promise<DeliveryRow[]> => listDeliveries(db, { org: ORG, ...filter }, page),

    /** Gives a delivery that failed all its tries anew. */
    async retry(_call: Call, id: { readonly project: string; readonly domain: string; readonly id: string }) {
      if (await retryDelivery(db, { org: ORG, ...id })) return;
      const message = `There is no delivery ${id.id} in ${id.project}/${id.domain} that has failed.`;
      throw new SkeinError("not_found", "delivery_not_found", message);
    },
  };
}

function checkAddresses(addresses: readonly string[]): void {
  if (addresses.length === 0) throw invalid("target.addresses", "is empty: name at least one address");
  if (addresses.length > ADDRESSES_MAX) {
    throw invalid("target.addresses", `has ${addresses.length} entries: at most ${ADDRESSES_MAX} are allowed`);
  }
  for (const [index, address] of addresses.entries()) checkMailAddress(`target.addresses[${index}]`, address);
}

/** The message repeats nothing of it: an address of a webhook is a secret. */
function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || url.hostname === "") {
    throw invalid("target.url", "is no web address: it must begin with https://");
  }
  if (url.username !== "" || url.password !== "")
    throw invalid("target.url", "holds a user or a password: leave them out");
  if (text.length > URL_LENGTH_MAX) throw invalid("target.url", `is longer than ${URL_LENGTH_MAX} characters`);
  url.hash = "";
  return url;
}

function readSecret(secret: string): string {
  if (secret.length >= SECRET_LENGTH_MIN && secret.length <= SECRET_LENGTH_MAX) return secret;
  const advice = "make one with: echo whsec_$(openssl rand -base64 32)";
  throw invalid("target.secret", `must have ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} characters: ${advice}`);
}

async function requireDomain(call: Call, domain: string, projects: Pick<ProjectService, "domains">): Promise<void> {
  const known = (await projects.domains(call)).map(({ id }) => id);
  if (!known.includes(domain)) throw invalid("domain", `${domain} does not exist: use one of ${known.join(", ")}`);
}

const tooMany = (project: string): SkeinError =>
  new SkeinError(
    "resource_exhausted",
    "rules_exhausted",
    `Project ${project} has ${RULES_MAX} rules already: delete one of them first.`,
  );
