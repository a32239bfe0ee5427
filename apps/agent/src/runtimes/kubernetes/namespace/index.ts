export { type Manifest, type NamespaceSettings, namespaceManifests } from "./namespace-manifests.ts";
