import stringWidth from "string-width";
import { safeLine } from "./safe-text.ts";

/** A column of a table. What stands in it comes from others, so it is made safe here. */
export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Adds colour to the padded cell; none where output is no terminal. */
  readonly paint?: (padded: string, row: Row) => string;
  /** Longer text is cut, and ends in an ellipsis. */
  readonly widthMax?: number;
}

/** Rows in columns as wide as their widest cell; wide characters count as two. */
export function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(({ text, widthMax }) => cut(safeLine(text(row)), widthMax)));
  const widths = columns.map(({ title }, index) =>
    cells.reduce((widest, row) => Math.max(widest, stringWidth(row[index] ?? "")), title.length),
  );
  const lineOf = (texts: readonly string[], row?: Row): string =>
    texts
      .map((text, index) => {
        const isLast = index === texts.length - 1;
        const padded = isLast ? text : text + " ".repeat((widths[index] ?? 0) - stringWidth(text));
        const paint = columns[index]?.paint;
        return row !== undefined && paint ? paint(padded, row) : padded;
      })
      .join("  ")
      .trimEnd();
  const head = lineOf(columns.map(({ title }) => title));
  return [head, ...cells.map((texts, index) => lineOf(texts, rows[index]))].join("\n");
}

const segmenter = new Intl.Segmenter();

/** The text, or as much of it as fits with an ellipsis behind it. Nothing that reads as one character is cut in two. */
export function cut(text: string, widthMax: number = Number.POSITIVE_INFINITY): string {
  if (stringWidth(text) <= widthMax) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += stringWidth(segment);
    if (width > widthMax - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
