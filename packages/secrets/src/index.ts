export { awsSource, DEFAULT_AWS_NAMES, readAwsNames } from "./aws-source.ts";
export type { SecretPlace } from "./envelope.ts";
export { kmsKey } from "./kms-key.ts";
export { type Keyring, keyring, localKey, type MasterKey, readLocalKeys, type SealedSecret } from "./master-keys.ts";
export { checkSecretName, isPlainName } from "./names.ts";
export { openSources, readSourceSpecs, type SourceSpec } from "./open-sources.ts";
export { SECRET_BYTES_MAX, type SecretRequest, type SecretSource, secretText } from "./secret-source.ts";
export { type ServerKey, serverKey } from "./server-key.ts";
