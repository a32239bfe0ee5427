import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "./temp-folder.ts";

export interface TestCertificates {
  /** PEM of the authority that nobody trusts unless told. */
  readonly authorityFile: string;
  /** A certificate for `names` (`IP:127.0.0.1`, `DNS:localhost`), good for two days. */
  issue(name: string, names?: readonly string[]): { readonly certFile: string; readonly keyFile: string };
  close(): Promise<void>;
}

export const INSTALL_OPENSSL = "apt-get install openssl";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** An authority of the test's own, made with `openssl`. Check `requireTool("openssl", …)` first. */
export function createCertificates(): TestCertificates {
  const folder = createTempFolder("certificates");
  const file = (name: string): string => join(folder.path, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder.path, stdio: "ignore" });
  };
  openssl(
    "req",
    "-x509",
    ...NEW_KEY,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
  );
  return {
    authorityFile: file("ca.pem"),
    issue: (name, names = ["IP:127.0.0.1", "DNS:localhost"]) => {
      openssl("req", ...NEW_KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      writeFileSync(file(`${name}.names`), `subjectAltName=${names.join(",")}\n`);
      const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
      openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-extfile", `${name}.names`, "-out", `${name}.pem`);
      return { certFile: file(`${name}.pem`), keyFile: file(`${name}.key`) };
    },
    close: () => folder.close(),
  };
}
