const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const SIXTY_FOUR_BITS = (1n << 64n) - 1n;

/**
 * What Flyte calls the run of a tick: `f` and 19 hexadecimal digits of a hash (FNV-1, 64 bits, lowest byte first) of the
 * launch plan's version and the second. Two that fire the same tick ask for the same name, which only one can get.
 * `again` tells apart the runs of one tick that somebody asked to do anew.
 */
export function tickRunName(launchPlanKey: string, fireAtMs: number, again = ""): string {
  const text = `${launchPlanKey}:${Math.floor(fireAtMs / 1_000)}${again === "" ? "" : `:${again}`}`;
  let hash = OFFSET;
  for (const byte of Buffer.from(text)) hash = ((hash * PRIME) & SIXTY_FOUR_BITS) ^ BigInt(byte);
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(hash);
  return `f${bytes.toString("hex").slice(0, 19)}`;
}
