/** Fewer bytes are found in every text: hiding them would hide nothing and spoil the log. */
const BYTES_MIN = 4;
/** A longer value is looked for in pieces, so that little of a log has to wait for what follows. */
const PIECE_BYTES = 1024;

/** What to look for: each line of each value, and the value in the encodings that programs print. */
export function patternsOf(values: readonly Uint8Array[]): Buffer[] {
  const patterns = new Map<string, Buffer>();
  for (const value of values) {
    for (const form of formsOf(Buffer.from(value))) {
      if (form.length < BYTES_MIN) continue;
      for (const piece of piecesOf(form)) patterns.set(piece.toString("latin1"), piece);
    }
  }
  return [...patterns.values()];
}

/** Clients strip white space from values, and a log shows one line at a time. */
function formsOf(value: Buffer): Buffer[] {
  const trimmed = trim(value);
  if (trimmed.length < BYTES_MIN) return [];
  const lines = linesOf(value).map(trim);
  const text = trimmed.toString();
  const isText = Buffer.from(text).equals(trimmed);
  const encoded = isText ? [quoted(text), encodeURIComponent(text.toWellFormed()), pythonQuoted(text)] : [];
  const whole = [value, trimmed].flatMap((one) => [
    ...base64Forms(one),
    one.toString("hex"),
    one.toString("hex").toUpperCase(),
  ]);
  // The whole as well: a line of its own may be too short.
  return [trimmed, ...lines, ...[...encoded, ...whole].map((form) => Buffer.from(form))];
}

function linesOf(value: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = value.indexOf(0x0a); end !== -1; end = value.indexOf(0x0a, start)) {
    lines.push(value.subarray(start, end));
    start = end + 1;
  }
  return [...lines, value.subarray(start)];
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13);

function trim(bytes: Buffer): Buffer {
  let [start, end] = [0, bytes.length];
  while (start < end && isSpace(bytes[start])) start += 1;
  while (end > start && isSpace(bytes[end - 1])) end -= 1;
  return bytes.subarray(start, end);
}

/** As it stands inside of a JSON text. */
const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);

/** As Python shows a text in a traceback. */
const pythonQuoted = (text: string): string =>
  text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t").replace(/'/g, "\\'");

/**
 * The value in base64 as a part of something longer (`user:password`), wherever it begins there: what hangs together with
 * the bytes around it is left out.
 */
function base64Forms(value: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bits = (before + value.length) * 8;
    const text = Buffer.concat([Buffer.alloc(before), value]).toString("base64");
    const inner = text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
    return [inner, inner.replace(/\+/g, "-").replace(/\//g, "_")];
  });
}

/** Side by side they make the value; the last takes a rest that would be too short alone. */
function piecesOf(bytes: Buffer): Buffer[] {
  const count = Math.max(1, Math.floor(bytes.length / PIECE_BYTES));
  return Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * PIECE_BYTES, at === count - 1 ? bytes.length : (at + 1) * PIECE_BYTES),
  );
}
