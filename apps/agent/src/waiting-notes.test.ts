import { expect, test } from "vitest";
import { WaitingNotes } from "./waiting-notes.ts";

const idOf = (ordinal: number) => ({ runId: "11111111-1111-4111-8111-111111111111", ordinal, attempt: 0 });

test("a reason is told once, and again when it changes, even while the old one is on its way", () => {
  const notes = new WaitingNotes();
  notes.note(idOf(2), "Pending");
  const sent = notes.untold;
  expect(sent).toEqual([{ ...idOf(2), reason: "Pending" }]);
  notes.note(idOf(2), "ImagePullBackOff");
  notes.told(sent);
  expect(notes.untold).toEqual([{ ...idOf(2), reason: "ImagePullBackOff" }]);
  notes.told(notes.untold);
  notes.note(idOf(2), "ImagePullBackOff");
  expect(notes.untold).toEqual([]);
});

test("one that waits no more is not spoken of", () => {
  const notes = new WaitingNotes();
  notes.note(idOf(2), "Pending");
  notes.forget(idOf(2));
  expect(notes.untold).toEqual([]);
});

test("many reasons are told a part at a time, and long ones are cut", () => {
  const notes = new WaitingNotes();
  for (let ordinal = 0; ordinal < 450; ordinal += 1) notes.note(idOf(ordinal), "x".repeat(3_000));
  const sizes: number[] = [];
  for (let sent = notes.untold; sent.length > 0; sent = notes.untold) {
    expect(sent[0]?.reason).toHaveLength(2_000);
    sizes.push(sent.length);
    notes.told(sent);
  }
  expect(sizes).toEqual([200, 200, 50]);
});
