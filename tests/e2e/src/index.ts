export { type FlyteClients, haveClients, type LaunchInput, openFlyteClients } from "./flyte-clients.ts";
export {
  attemptsOf,
  nodePhases,
  nodesOf,
  outputsWhenOver,
  plainValue,
  plainValues,
  type SeenAttempt,
  type SeenNode,
  shown,
} from "./outcomes.ts";
export type { Remote } from "./remote.ts";
export { BACKINGS, backingsOfLongSuite } from "./shapes.ts";
export { type RunningSkein, type SkeinShape, startSkein } from "./skein.ts";
export type { SkeinProcess } from "./skein-process.ts";
