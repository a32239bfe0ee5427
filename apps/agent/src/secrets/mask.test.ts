import { seededRandom } from "@skein/testing";
import { expect, test } from "vitest";
import { createMask, type Mask, NO_MASK } from "./mask.ts";

const maskOf = (...values: string[]): Mask => createMask(values.map((value) => Buffer.from(value)));

/** Sends a text through in pieces that arrive at the cuts. */
function stream(mask: Mask, text: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let read = 0;
  for (const arrived of [...cuts, text.length]) {
    if (arrived < read) continue;
    const { masked, consumed } = mask.next(text.subarray(read, arrived), arrived === text.length);
    chunks.push(masked);
    read += consumed;
  }
  expect(read).toBe(text.length);
  return chunks;
}

test("a value becomes stars wherever it stands", () => {
  const mask = maskOf("hunter22", "s3cr3t");
  expect(mask.text("hunter22, s3cr3t and xhunter22x")).toBe("***, *** and x***x");
  expect(mask.text("hunter2 is another one")).toBe("hunter2 is another one");
});

test("each line of a value is hidden, and white space around it does not matter", () => {
  const mask = maskOf("-----BEGIN KEY-----\r\nabcdef\r\nghijkl\n");
  expect(mask.text("abcdef / ghijkl / -----BEGIN KEY-----")).toBe("*** / *** / ***");
});

test("usual encodings are hidden as well", () => {
  const value = 'p&ss "w/rd" ~ü';
  const mask = maskOf(value);
  const basic = Buffer.from(`user:${value}`).toString("base64");
  const forms = [
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("base64url"),
    Buffer.from(`${value}\n`).toString("base64"),
    Buffer.from(value).toString("hex"),
    encodeURIComponent(value),
    JSON.stringify(value),
  ];
  for (const form of forms) expect(mask.text(`<${form}>`)).toMatch(/^<"?\*\*\*.{0,4}>$/);
  expect(mask.text(basic)).toContain("***");
  expect(mask.text(basic).length).toBeLessThan(basic.length / 2 + 3);
  expect(maskOf("two\nlines").text(String.raw`{"key": "two\nlines"}`)).toBe('{"key": "***"}');
});

test("less than four bytes are not looked for", () => {
  expect(maskOf("abc", "", "\n")).toBe(NO_MASK);
  expect(maskOf("abcd").text("abc abcd")).toBe("abc ***");
});

test("of values that begin alike the longest is hidden whole", () => {
  const mask = maskOf("pass", "password", "password1");
  expect(mask.text("pass password password1 password12")).toBe("*** *** *** ***2");
  expect(Buffer.concat(stream(mask, Buffer.from("password1"), [4, 6, 8])).toString()).toBe("***");
});

test("an end that may begin a value waits, and other text does not", () => {
  const mask = maskOf("hunter22");
  expect(mask.next(Buffer.from("Enter a name: "), false)).toMatchObject({ consumed: 14 });
  expect(mask.next(Buffer.from("it is hunt"), false)).toEqual({ masked: Buffer.from("it is "), consumed: 6 });
  expect(mask.next(Buffer.from("hunt"), true)).toEqual({ masked: Buffer.from("hunt"), consumed: 4 });
});

test("a long value is hidden whole, though hardly any of it has to be there at once", () => {
  const random = seededRandom(7);
  const value = Array.from({ length: 5_003 }, () => String.fromCharCode(97 + random.below(26))).join("");
  const mask = maskOf(value);
  expect(mask.text(`a ${value} b`)).toMatch(/^a (\*\*\*)+ b$/);
  const { consumed } = mask.next(Buffer.from(value.slice(0, 3_000)), false);
  expect(consumed).toBeGreaterThan(900);
});

test("however a stream is cut, the text is the same and no chunk holds a value", () => {
  for (let seed = 0; seed < 400; seed += 1) {
    const random = seededRandom(seed);
    const letters = (length: number) => Array.from({ length }, () => "ab\n"[random.below(3)]).join("");
    const values = Array.from({ length: 1 + random.below(3) }, () => letters(4 + random.below(8)));
    const parts = Array.from({ length: random.below(20) }, () =>
      random.below(2) === 0 ? letters(random.below(6)) : (values[random.below(values.length)] ?? ""),
    );
    const text = Buffer.from(parts.join(""));
    const cuts = Array.from({ length: random.below(12) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
    const mask = maskOf(...values);
    const whole = mask.text(text.toString());
    const chunks = stream(mask, text, cuts);
    expect(Buffer.concat(chunks).toString(), `seed ${seed}`).toBe(whole);
    for (const value of values.map((one) => one.trim()).filter((one) => one.length >= 4)) {
      expect(whole.includes(value), `seed ${seed}`).toBe(false);
    }
  }
});
