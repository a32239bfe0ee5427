import { SkeinError } from "@skein/errors";

/** A map's keys are the user's: none may name a place elsewhere. */
export function fileName(name: string): string {
  if (name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)) return name;
  throw new SkeinError(
    "invalid_argument",
    "input_name_invalid",
    `The input name ${JSON.stringify(name)} cannot be a file name`,
  );
}
