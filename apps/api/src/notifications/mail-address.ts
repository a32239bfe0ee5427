import { invalid } from "../registry/identity.ts";

const LENGTH_MAX = 254;
/** One plain address: nothing in it can be taken for a second one, a name or a header. */
const ADDRESS = /^[^\s\p{C}@,;:<>()[\]"\\]+@[^\s\p{C}@,;:<>()[\]"\\]+$/u;

/** Refuses what no mail can be sent to. `field` names it in the message. */
export function checkMailAddress(field: string, address: string): void {
  if (address.length <= LENGTH_MAX && ADDRESS.test(address)) return;
  const shown = JSON.stringify(address.slice(0, LENGTH_MAX));
  throw invalid(field, `is ${shown}: give one plain mail address, such as ann@example.com`);
}
