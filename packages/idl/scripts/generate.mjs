// Generates TypeScript-typed JavaScript from Flyte's own proto files (npm @flyteorg/flyteidl) into gen/. Needs no network.
// Skips the work when gen/ is newer than everything it is made from.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const packageRoot = (name) => dirname(require.resolve(`${name}/package.json`));
const versionOf = (name) => require(`${name}/package.json`).version;

const names = ["@flyteorg/flyteidl", "google-proto-files", "@bufbuild/buf", "@bufbuild/protoc-gen-es"];
const recipe = createHash("sha256").update(readFileSync(fileURLToPath(import.meta.url)));
for (const name of names) recipe.update(`${name}@${versionOf(name)}`);
for (const file of ["health/v1/health", "reflection/v1/reflection"]) {
  recipe.update(readFileSync(join(root, "protos/grpc", `${file}.proto`)));
}
const fingerprint = recipe.digest("hex");
const stamp = join(root, "gen/fingerprint");
if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) process.exit(0);

const staging = join(root, "gen/protos");
rmSync(join(root, "gen"), { recursive: true, force: true });
mkdirSync(join(staging, "google/api"), { recursive: true });
cpSync(join(packageRoot("@flyteorg/flyteidl"), "protos/flyteidl"), join(staging, "flyteidl"), { recursive: true });
cpSync(join(root, "protos"), staging, { recursive: true });
// Old clients ask for the reflection service under the name it had before it was stable; nothing else differs.
const reflection = readFileSync(join(root, "protos/grpc/reflection/v1/reflection.proto"), "utf8");
mkdirSync(join(staging, "grpc/reflection/v1alpha"), { recursive: true });
writeFileSync(
  join(staging, "grpc/reflection/v1alpha/reflection.proto"),
  reflection.replace("package grpc.reflection.v1;", "package grpc.reflection.v1alpha;"),
);
for (const file of ["annotations.proto", "http.proto"]) {
  cpSync(join(packageRoot("google-proto-files"), "google/api", file), join(staging, "google/api", file));
}
writeFileSync(join(staging, "buf.yaml"), "version: v2\n");
const template = {
  version: "v2",
  plugins: [
    {
      local: join(packageRoot("@bufbuild/protoc-gen-es"), "bin/protoc-gen-es"),
      out: join(root, "gen/es"),
      opt: ["target=js+dts", "import_extension=js"],
    },
  ],
};
execFileSync(
  process.execPath,
  [join(packageRoot("@bufbuild/buf"), "bin/buf"), "generate", ".", "--template", JSON.stringify(template)],
  { cwd: staging, stdio: "inherit" },
);
writeFileSync(stamp, fingerprint);
