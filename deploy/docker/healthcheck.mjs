// Docker's HEALTHCHECK: asks the process in this container whether it lives. Kubernetes asks by probes instead.
import { request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";

const { SKEIN_METRICS_PORT, SKEIN_PORT = "8088", SKEIN_TLS_CERT_FILE } = process.env;
const isApi = SKEIN_METRICS_PORT === undefined;
const request = isApi && SKEIN_TLS_CERT_FILE ? secureRequest : plainRequest;
// The certificate names the address that clients use, never this one.
const asked = request(
  {
    host: "127.0.0.1",
    port: isApi ? SKEIN_PORT : SKEIN_METRICS_PORT,
    path: "/livez",
    rejectUnauthorized: false,
    timeout: 4_000,
  },
  (answer) => process.exit(answer.statusCode === 200 ? 0 : 1),
);
asked.on("error", () => process.exit(1));
asked.on("timeout", () => process.exit(1));
asked.end();
