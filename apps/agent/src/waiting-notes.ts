import { type AttemptId, attemptKey, type WaitingNote } from "@skein/contracts";

const REASON_LENGTH_MAX = 2_000;
/** A call may take no longer than a heartbeat; the rest goes with the next ones. */
const NOTES_PER_BEAT = 200;

/** Why attempts wait, as the last heartbeats told it and as it is now. */
export class WaitingNotes {
  readonly #reasons = new Map<string, { readonly note: WaitingNote; isTold: boolean }>();

  note({ runId, ordinal, attempt }: AttemptId, text: string): void {
    const note = { runId, ordinal, attempt, reason: text.slice(0, REASON_LENGTH_MAX) };
    const known = this.#reasons.get(attemptKey(note));
    if (known?.note.reason !== note.reason) this.#reasons.set(attemptKey(note), { note, isTold: false });
  }

  /** It waits no more. */
  forget(id: AttemptId): void {
    this.#reasons.delete(attemptKey(id));
  }

  /** What the api has not heard of, as much as one heartbeat takes. */
  get untold(): WaitingNote[] {
    const untold = [...this.#reasons.values()].filter(({ isTold }) => !isTold);
    return untold.slice(0, NOTES_PER_BEAT).map(({ note }) => note);
  }

  told(notes: readonly WaitingNote[]): void {
    for (const note of notes) {
      const known = this.#reasons.get(attemptKey(note));
      if (known?.note.reason === note.reason) known.isTold = true;
    }
  }
}
