export { DOWNLOADER, UPLOADER } from "./copilot-containers.ts";
export { AGENT_LABEL, ATTEMPT_LABEL, agentLabel, attemptOf, PRIMARY_ANNOTATION, primaryContainerOf } from "./labels.ts";
export { namespaceOf, podName } from "./pod-name.ts";
export { PodRules, type PodSettings, readPodRules } from "./pod-settings.ts";
export { ownedBy, type PodWithSecret, podTemplateName, toPod } from "./to-pod.ts";
