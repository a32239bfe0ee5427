/** What an option that may be repeated does with each value. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
