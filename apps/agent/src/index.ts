export { AgentConfig, agentConfigNames, readAgentConfig } from "./config.ts";
export { type Agent, type AgentParts, startAgent } from "./start.ts";
