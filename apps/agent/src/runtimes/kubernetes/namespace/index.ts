export type { Manifest } from "./manifest.ts";
export { confidentialManifest, namespaceManifests } from "./namespace-manifests.ts";
