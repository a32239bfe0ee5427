import type { ErrandKind } from "@skein/engine";
import { abortChild } from "./abort-child.ts";
import { checkCache } from "./check-cache.ts";
import type { CarryOut, ErrandTools } from "./errand.ts";
import { gatherOutputs } from "./gather-outputs.ts";
import { launchChild } from "./launch-child.ts";

/** How each kind of errand is carried out. */
export const carryOuts = (tools: ErrandTools): Record<ErrandKind, CarryOut> => ({
  check_cache: checkCache(tools),
  launch_child: launchChild(tools),
  abort_child: abortChild(tools),
  gather_outputs: gatherOutputs(tools),
});
