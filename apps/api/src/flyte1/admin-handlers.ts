import type { AdminService } from "@skein/idl/service";
import type { Flyte1Handlers } from "./handlers.ts";

/** Some methods of AdminService. */
export type AdminHandlers = Flyte1Handlers<typeof AdminService>;
