/** Answers of reads, each kept for a second. */
export interface KeptReads<T> {
  /** What holds now, or held a second ago. */
  of(key: string): Promise<T>;
  /** For who changed something and wants to see it at once. */
  forget(key: string): void;
}

/** A launch must not cost a round trip more. What another process changed counts after this time. */
const KEPT_MS = 1_000;
const KEYS_MAX = 1_000;

/** Reads by key; those who ask while an answer is kept, or on its way, share it. A read that failed is not kept. */
export function keepReads<T>(read: (key: string) => Promise<T>): KeptReads<T> {
  const kept = new Map<string, { readonly answer: Promise<T>; readonly readAtMs: number }>();

  function readAnew(key: string): Promise<T> {
    const answer = read(key);
    kept.delete(key);
    kept.set(key, { answer, readAtMs: performance.now() });
    answer.catch(() => {
      if (kept.get(key)?.answer === answer) kept.delete(key);
    });
    for (const oldest of kept.keys()) {
      if (kept.size <= KEYS_MAX) break;
      kept.delete(oldest);
    }
    return answer;
  }

  return {
    of(key) {
      const known = kept.get(key);
      return known && performance.now() - known.readAtMs < KEPT_MS ? known.answer : readAnew(key);
    },
    forget: (key) => void kept.delete(key),
  };
}
