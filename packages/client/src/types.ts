import type { AppRouter } from "@skein/api/router";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";

/** What each procedure takes, such as `SkeinInputs["runs"]["launch"]`. */
export type SkeinInputs = inferRouterInputs<AppRouter>;

/** What each procedure answers, such as `SkeinOutputs["runs"]["get"]`. */
export type SkeinOutputs = inferRouterOutputs<AppRouter>;
