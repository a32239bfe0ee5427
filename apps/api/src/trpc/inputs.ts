import { z } from "zod";
import type { PlainValue } from "./plain-literal.ts";

/** Text that is looked for in Postgres, which knows no NUL. */
export const word = (what: string) =>
  z
    .string(`must be the ${what}`)
    .min(1, `must be the ${what}`)
    .max(255)
    .refine((text) => !text.includes("\u0000"), "must not hold a NUL character");

/** Fields that many inputs share; the permission check reads `project` and `domain` under these names. */
export const InDomain = z.object({ project: word("project's id"), domain: word("domain's id") });
export const ByName = InDomain.extend({ name: word("name") });
export const ByVersion = ByName.extend({ version: word("version") });
export const ByAction = ByName.extend({ action: word("action's name") });
export const ByAttempt = ByAction.extend({ attempt: z.int32().min(0).default(0) });

/** A page of a list: at most `limit` rows, from `cursor` on, which the page before gave. */
export const Page = z.object({ limit: z.int().min(1).max(1_000).default(100), cursor: z.int().min(0).default(0) });

export const PlainJson: z.ZodType<PlainValue> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.number(), z.string(), z.array(PlainJson), z.record(z.string(), PlainJson)]),
);

/** The rows of a page and where the next one begins; null after the last. */
export const pageOf = <Row>(rows: readonly Row[], page: z.output<typeof Page>) => ({
  items: rows,
  nextCursor: rows.length === page.limit ? page.cursor + rows.length : null,
});
