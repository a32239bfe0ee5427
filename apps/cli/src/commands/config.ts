import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { fieldsOf, type View } from "../output/print.ts";
import { type Profile, ProfilesFile, profilesPath, readProfiles, writeProfiles } from "../session/profiles.ts";
import { inTenant, openSession, type SessionOptions, withExamples, withServer } from "../session/session.ts";
import type { Settings } from "../session/settings.ts";

interface Listed {
  readonly name: string;
  readonly isCurrent: boolean;
  readonly server: string;
  readonly project: string;
  readonly domain: string;
  readonly hasToken: boolean;
}

const view: View<Listed> = {
  columns: [
    { title: "", text: (profile) => (profile.isCurrent ? "*" : "") },
    { title: "PROFILE", text: (profile) => profile.name },
    { title: "SERVER", text: (profile) => profile.server },
    { title: "PROJECT", text: (profile) => profile.project },
    { title: "DOMAIN", text: (profile) => profile.domain },
    { title: "TOKEN", text: (profile) => (profile.hasToken ? "yes" : "") },
  ],
  nameOf: (profile) => profile.name,
  empty: "No profiles. Make one: skein config set NAME --server URL",
};

/** `skein config`: profiles, so that commands need not be told where to go. Tokens are never shown. */
export function config(environment: Environment): Command {
  const path = profilesPath(environment);
  const command = new Command("config").description("Keep servers, projects and domains under names (profiles)");
  command.addHelpText(
    "after",
    `\nProfiles stand in ${path} (SKEIN_CONFIG). A flag counts before the environment, that before a profile.`,
  );
  command.addCommand(show(environment), { isDefault: true });
  command.addCommand(list(environment, path));
  command.addCommand(set(path));
  command.addCommand(use(path));
  command.addCommand(remove(path));
  return command;
}

const show = (environment: Environment): Command =>
  inTenant(new Command("show"))
    .description("Show where commands go, and as whom")
    .action((options: SessionOptions) => {
      const { print, settings } = openSession(environment, options);
      const { token, ...shown } = settings;
      print.one({ ...shown, hasToken: token !== undefined }, ({ server }) => server, textOfSettings);
    });

const textOfSettings = ({
  profile,
  server,
  project,
  domain,
  hasToken,
}: Omit<Settings, "token"> & { readonly hasToken: boolean }) =>
  fieldsOf([
    ["Profile", profile ?? "none"],
    ["Server", server],
    ["Project", project],
    ["Domain", domain],
    ["Token", hasToken ? "yes" : "none"],
  ]);

const list = (environment: Environment, path: string): Command =>
  withServer(new Command("list"))
    .description("List profiles")
    .action((options: SessionOptions) => {
      const { current, profiles } = readProfiles(path);
      const rows = Object.entries(profiles).map(
        ([name, { server = "", project = "", domain = "", token, tokenFile }]) => ({
          name,
          ...{ isCurrent: name === (environment.SKEIN_PROFILE || current), server, project, domain },
          hasToken: token !== undefined || tokenFile !== undefined,
        }),
      );
      openSession({ HOME: environment.HOME }, { output: options.output }).print.list(rows, view);
    });

const set = (path: string): Command =>
  withExamples(
    new Command("set")
      .description("Make a profile, or change what is given of it")
      .argument("<name>")
      .option("--server <url>", "where Skein is")
      .option("-p, --project <id>", "its project")
      .option("-d, --domain <id>", "its domain")
      .option("--token-file <path>", "a file that holds the token; it goes to the profile's own server only"),
    "skein config set prod --server https://skein.example.com -p shop -d production",
  ).action((name: string, given: Profile) => {
    const file = readProfiles(path);
    const known = Object.hasOwn(file.profiles, name) ? file.profiles[name] : {};
    const next = ProfilesFile.safeParse({
      current: file.current ?? name,
      profiles: { ...file.profiles, [name]: { ...known, ...given } },
    });
    if (!next.success) {
      const why = next.error.issues.map((issue) => `${issue.path.slice(2).join(".") || "name"}: ${issue.message}`);
      throw new SkeinError("invalid_argument", "invalid_profile", why.join("; "));
    }
    writeProfiles(path, next.data);
    process.stderr.write(`Profile ${name} is kept in ${path}.\n`);
  });

const use = (path: string): Command =>
  new Command("use")
    .description("Take this profile where none is named")
    .argument("<name>")
    .action((name: string) => {
      const file = readProfiles(path);
      mustHave(file, name);
      writeProfiles(path, { ...file, current: name });
      process.stderr.write(`Commands take profile ${name} now.\n`);
    });

const remove = (path: string): Command =>
  new Command("remove")
    .description("Forget a profile")
    .argument("<name>")
    .action((name: string) => {
      const file = readProfiles(path);
      mustHave(file, name);
      const profiles = Object.fromEntries(Object.entries(file.profiles).filter(([known]) => known !== name));
      writeProfiles(path, { ...(file.current === name ? {} : { current: file.current }), profiles });
      process.stderr.write(`Profile ${name} is gone.\n`);
    });

function mustHave({ profiles }: ProfilesFile, name: string): void {
  if (Object.hasOwn(profiles, name)) return;
  const known = Object.keys(profiles).join(", ") || "none";
  throw new SkeinError("not_found", "profile_not_found", `There is no profile ${name}; known are: ${known}.`);
}
