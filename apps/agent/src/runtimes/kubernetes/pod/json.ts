import { isDeepStrictEqual } from "node:util";

/** A manifest or a part of one, as Kubernetes' API spells it. */
export type Json = { [name: string]: unknown };

/** Whether it is an object with names, and neither a list nor a date. */
export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** The value as a list of objects: nothing else counts. */
export const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isJson) : []);

/** The value as an object, empty where it is none. */
export const jsonOf = (value: unknown): Json => (isJson(value) ? value : {});

/** The value as text, undefined where it is none or empty. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Appends what the list does not hold yet. */
export const union = <T>(list: readonly T[], more: readonly T[]): T[] => [
  ...list,
  ...more.filter((one) => !list.some((known) => isDeepStrictEqual(known, one))),
];
