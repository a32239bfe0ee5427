/** How to reach Google Cloud Storage. Credentials come from Google's usual places: a key file, workload identity, the machine. */
export interface GcsOptions {
  /** An emulator, which is asked without credentials. */
  readonly endpoint?: string;
  /** The same server as clients outside reach it; signed URLs carry it. */
  readonly publicEndpoint?: string;
}
