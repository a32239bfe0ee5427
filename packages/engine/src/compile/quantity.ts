const NANO = 1_000_000_000n;

/** Kubernetes' suffixes, in billionths. */
const SUFFIXES: ReadonlyMap<string, bigint> = new Map([
  ["n", 1n],
  ["u", 1_000n],
  ["m", 1_000_000n],
  ["", NANO],
  ["k", NANO * 10n ** 3n],
  ["M", NANO * 10n ** 6n],
  ["G", NANO * 10n ** 9n],
  ["T", NANO * 10n ** 12n],
  ["P", NANO * 10n ** 15n],
  ["E", NANO * 10n ** 18n],
  ["Ki", NANO << 10n],
  ["Mi", NANO << 20n],
  ["Gi", NANO << 30n],
  ["Ti", NANO << 40n],
  ["Pi", NANO << 50n],
  ["Ei", NANO << 60n],
]);

const QUANTITY = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,2})|([a-zA-Z]*))$/;
const LENGTH_MAX = 64;

const ceilDivide = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** A Kubernetes quantity (`500m`, `1.5Gi`, `2e3`) in billionths, rounded up; undefined when it is not one. */
export function parseQuantity(text: string): bigint | undefined {
  const [, sign, digits = "", exponent, suffix = ""] = text.length > LENGTH_MAX ? [] : (QUANTITY.exec(text) ?? []);
  const unit = SUFFIXES.get(suffix);
  if (sign === undefined || unit === undefined) return undefined;
  const [whole = "", fraction = ""] = digits.split(".");
  const power = BigInt(exponent ?? 0) - BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * unit;
  const value = power >= 0n ? scaled * 10n ** power : ceilDivide(scaled, 10n ** -power);
  return sign === "-" ? -value : value;
}

/** Whether a quantity is a whole number: GPUs cannot be shared. */
export const isWhole = (quantity: bigint): boolean => quantity % NANO === 0n;
