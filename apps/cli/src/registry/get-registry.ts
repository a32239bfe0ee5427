import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { formatMoment } from "../output/moment.ts";
import { fieldsOf, type View } from "../output/print.ts";
import { found } from "../runs/launch-target.ts";
import { readAll } from "../session/pages.ts";
import { inTenant, openSession, type Session, type SessionOptions, withExamples } from "../session/session.ts";

interface GetOptions extends SessionOptions {
  readonly version?: string;
  readonly versions?: boolean;
  readonly spec?: boolean;
  readonly archived?: boolean;
}

interface Version {
  readonly name: string;
  readonly version: string;
  readonly createdAt: string;
  readonly state?: string;
  readonly type?: string;
  readonly inputs?: Readonly<Record<string, { readonly type: unknown; readonly isRequired?: boolean }>>;
  readonly outputs?: Readonly<Record<string, { readonly type: unknown }>>;
}
interface Named {
  readonly name: string;
  readonly description: string;
  readonly state: string;
}
type Id = { readonly project: string; readonly domain: string; readonly name: string; readonly version: string };

/** How the server is asked about one kind. */
interface Kind {
  readonly command: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly kind: "task" | "workflow" | "launch_plan";
  readonly versions: (session: Session, name: string, limit?: number) => Promise<readonly Version[]>;
  readonly get: (session: Session, id: Id) => Promise<Version>;
  readonly getSpec: (session: Session, id: Id) => Promise<unknown>;
  /** The version that counts where none is named, if it is another than the newest. */
  readonly getDefault?: (session: Session, name: string) => Promise<Version | undefined>;
}

const KINDS: readonly Kind[] = [
  {
    ...{ command: "task", aliases: ["tasks"], title: "Task", kind: "task" },
    versions: ({ client, tenant }, name, limit) =>
      readAll((page) => client.tasks.list.query({ ...tenant, name, ...page }), limit),
    get: ({ client }, id) => client.tasks.get.query(id),
    getSpec: ({ client }, id) => client.tasks.getSpec.query(id),
  },
  {
    ...{ command: "workflow", aliases: ["workflows"], title: "Workflow", kind: "workflow" },
    versions: ({ client, tenant }, name, limit) =>
      readAll((page) => client.workflows.list.query({ ...tenant, name, ...page }), limit),
    get: ({ client }, id) => client.workflows.get.query(id),
    getSpec: ({ client }, id) => client.workflows.getSpec.query(id),
  },
  {
    ...{ command: "launch-plan", aliases: ["launch-plans", "launchplan"], title: "Launch plan", kind: "launch_plan" },
    versions: ({ client, tenant }, name, limit) =>
      readAll((page) => client.launchPlans.list.query({ ...tenant, name, ...page }), limit),
    get: ({ client }, id) => client.launchPlans.get.query(id),
    getSpec: ({ client }, id) => client.launchPlans.getSpec.query(id),
    getDefault: ({ client, tenant }, name) => found(client.launchPlans.getActive.query({ ...tenant, name })),
  },
];

const namesView: View<Named> = {
  columns: [
    { title: "NAME", text: (one) => one.name },
    { title: "STATE", text: (one) => one.state },
    { title: "DESCRIPTION", text: (one) => one.description, widthMax: 80 },
  ],
  nameOf: (one) => one.name,
  empty: "Nothing of that kind is registered there.",
};

const versionsView: View<Version> = {
  columns: [
    { title: "VERSION", text: (one) => one.version },
    { title: "STATE", text: (one) => one.state ?? "" },
    { title: "REGISTERED", text: (one) => formatMoment(one.createdAt) },
  ],
  nameOf: (one) => one.version,
  empty: "There is no such name.",
};

/** `skein get task`, `workflow` and `launch-plan`. */
export const getRegistry = (environment: Environment): readonly Command[] =>
  KINDS.map((kind) => commandOf(environment, kind));

const commandOf = (environment: Environment, kind: Kind): Command =>
  withExamples(
    inTenant(new Command(kind.command).aliases([...kind.aliases]))
      .description(`List the names of ${kind.command}s, or show one`)
      .argument("[name]")
      .option(
        "--version <version>",
        kind.getDefault ? "this version; the active one without" : "this version; the newest without",
      )
      .option("--versions", "list the versions of the name, newest first")
      .option("--spec", "show what was registered, in protobuf's JSON form")
      .option("--archived", "list names that are archived"),
    `skein get ${kind.command}`,
    `skein get ${kind.command} my.name --versions`,
    `skein get ${kind.command} my.name --spec -o yaml`,
  ).action(async (name: string | undefined, options: GetOptions) => {
    const session = openSession(environment, options);
    if (name === undefined) return listNames(session, kind, options);
    if (options.versions) return session.print.list(await kind.versions(session, name), versionsView);
    const one = await getOne(session, kind, name, options.version);
    if (!options.spec)
      return session.print.one(
        one,
        () => name,
        (version) => textOfVersion(kind, version),
      );
    const spec = await kind.getSpec(session, { ...session.tenant, name, version: one.version });
    session.print.one(
      spec,
      () => name,
      (whole) => JSON.stringify(whole, null, 2),
    );
  });

async function listNames({ client, tenant, print }: Session, { kind }: Kind, { archived }: GetOptions): Promise<void> {
  const state = archived ? "archived" : "active";
  print.list(await readAll((page) => client.namedEntities.list.query({ ...tenant, kind, state, ...page })), namesView);
}

async function getOne(session: Session, kind: Kind, name: string, version?: string): Promise<Version> {
  if (version !== undefined) return kind.get(session, { ...session.tenant, name, version });
  const preferred = await kind.getDefault?.(session, name);
  if (preferred) return preferred;
  const [newest] = await kind.versions(session, name, 1);
  if (newest) return kind.get(session, { ...session.tenant, name, version: newest.version });
  const { project, domain } = session.tenant;
  const message = `There is no ${kind.command} ${name} in ${project}/${domain}. See what there is: skein get ${kind.command}`;
  throw new SkeinError("not_found", "name_not_found", message);
}

const textOfVersion = ({ title }: Kind, one: Version): string =>
  fieldsOf([
    [title, one.name],
    ["Version", one.version],
    ["State", one.state],
    ["Type", one.type],
    ["Registered", formatMoment(one.createdAt)],
    ["Inputs", variablesOf(one.inputs ?? {})],
    ["Outputs", variablesOf(one.outputs ?? {})],
  ]);

const variablesOf = (
  variables: Readonly<Record<string, { readonly type: unknown; readonly isRequired?: boolean }>>,
): string =>
  Object.entries(variables)
    .map(([name, { type, isRequired }]) => `${name}: ${typeText(type)}${isRequired === false ? " (optional)" : ""}`)
    .join("\n");

/** A Flyte type in few words. */
function typeText(type: unknown): string {
  if (typeof type !== "object" || type === null) return "unknown";
  const { simple, collection_type: item, map_value_type: value, ...rest } = type as Readonly<Record<string, unknown>>;
  if (typeof simple === "string") return simple.toLowerCase();
  if (item !== undefined) return `list of ${typeText(item)}`;
  if (value !== undefined) return `map of ${typeText(value)}`;
  return (Object.keys(rest)[0] ?? "unknown").replace(/_type$/, "").replaceAll("_", " ");
}
