import type { Identifier } from "@skein/idl/core";

/** `project:domain:name:version`, by which tasks, workflows and launch plans of a program are found. */
export const entityKey = (id: Identifier): string => `${id.project}:${id.domain}:${id.name}:${id.version}`;
