import { SkeinError } from "@skein/errors";

/** Something that a user wrote cannot be used: which field, what is wrong with it, and what would do. */
export const problem = (field: string, what: string): SkeinError =>
  new SkeinError("invalid_argument", "field_invalid", `${field} ${what}.`);
