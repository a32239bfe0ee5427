import { invariant } from "@skein/errors";

/** The element that must be at `index`. */
export function at<Item>(items: { readonly [index: number]: Item }, index: number): Item {
  const item = items[index];
  invariant(item !== undefined, `there is an element at ${index}`);
  return item;
}
