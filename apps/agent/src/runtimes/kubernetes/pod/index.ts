export { DOWNLOADER, UPLOADER } from "./copilot-containers.ts";
export { AGENT_LABEL, agentLabel, attemptOf, primaryContainerOf } from "./labels.ts";
export { namespaceOf, podName } from "./pod-name.ts";
export { type PodSettings, readPodRules } from "./pod-settings.ts";
export { ownedBy, type PodWithSecret, podTemplateName, toPod } from "./to-pod.ts";
