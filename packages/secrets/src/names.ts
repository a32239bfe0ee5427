import { SkeinError } from "@skein/errors";

const NAME_MAX = 128;
/** What the name of a file, of a variable and of a key in a Kubernetes Secret allow alike. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** Whether a name is one plain word: no separator, no way up, not hidden. */
export const isPlainName = (name: string): boolean =>
  name.length <= NAME_MAX && NAME.test(name) && !name.includes("..");

/** Refuses a name under which a secret could not be kept or found. `field` is named in the message. */
export function checkSecretName(field: string, name: string): void {
  if (isPlainName(name)) return;
  const shown = JSON.stringify(name.slice(0, NAME_MAX));
  throw new SkeinError(
    "invalid_argument",
    "secret_name_invalid",
    `${field} is ${shown}: use 1 to ${NAME_MAX} letters, digits, '_', '-' and '.', and begin with a letter, digit or '_'`,
    { details: { field } },
  );
}
