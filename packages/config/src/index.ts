export { describeConfig } from "./describe-config.ts";
export { type Environment, type EnvOptions, env } from "./env.ts";
export { flag, portNumber, readBy, sharedFields, taskResourceFields, wholeNumber } from "./fields.ts";
export { KNOWN_NAMES } from "./known-names.ts";
export { prefixList, roleArn, storageFields } from "./storage-fields.ts";
