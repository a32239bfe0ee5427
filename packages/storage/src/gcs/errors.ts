import type { StoreProblem } from "../bucket.ts";

/** What an error of the GCS SDK says: Google's HTTP status, as a number or in text. */
export function gcsProblem(error: unknown): StoreProblem {
  if (!(error instanceof Error)) return "outage";
  const status = Number((error as { code?: unknown }).code);
  // A missing bucket is not a missing object, though both are 404.
  if (status === 404) return /bucket does not exist/i.test(error.message) ? "refused" : "missing";
  if (status === 416) return "behindEnd";
  if (status === 403) return "forbidden";
  const isCredentials = /could not load the default credentials|invalid_grant|cannot sign data/i.test(error.message);
  if (isCredentials) return "refused";
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? "refused" : "outage";
}
