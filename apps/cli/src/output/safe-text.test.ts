import { expect, test } from "vitest";
import { safeDocument, safeLine, safeLines, safeLog } from "./safe-text.ts";

const CLEAR = "\u001b[2J";
const LINK = "\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007";
const CSI_C1 = "\u009b31m";
const TURN = "abc\u202etxt.exe";

test("nothing that a terminal obeys stands in a line", () => {
  expect(safeLine(`a${CLEAR}b`)).toBe("a\\u001b[2Jb");
  expect(safeLine("two\nlines\tand\rmore")).toBe("two\\nlines\\tand\\rmore");
  expect(safeLine(CSI_C1)).toBe("\\u009b31m");
  expect(safeLine(TURN)).toBe("abc\\u202etxt.exe");
  expect(safeLine("grün 漢字 👩‍👩‍👧")).toBe("grün 漢字 👩‍👩‍👧");
});

test("text of several lines keeps its breaks and nothing else", () => {
  expect(safeLines(`one\r\n\ttwo${CLEAR}\n`)).toBe("one\n    two\\u001b[2J\n");
  expect(safeLines("over\rwritten")).toBe("over\\rwritten");
});

test("a log keeps colours, which end with it, and loses links, titles and moves", () => {
  expect(safeLog("plain\n")).toBe("plain\n");
  expect(safeLog("\u001b[31mred\u001b[0m\n")).toBe("\u001b[31mred\u001b[0m\n\u001b[0m");
  expect(safeLog(`${CLEAR}x`)).toBe("\\u001b[2Jx");
  expect(safeLog(LINK)).toBe("\\u001b]8;;http://evil.example\\u0007click\\u001b]8;;\\u0007");
  expect(safeLog("50 %\r100 %\n")).toBe("50 %\r100 %\n");
});

test("a JSON document stays the same document", () => {
  const value = { name: `${TURN}${CSI_C1}\u007f${CLEAR}`, text: "a\nb" };
  const written = safeDocument(JSON.stringify(value, null, 2));
  expect(JSON.parse(written)).toEqual(value);
  expect(written).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_C}/u);
});
