import type { OpenDb } from "@skein/db";

/** The connections for the loop's hand-written statements. */
export type Pool = OpenDb["pool"];
