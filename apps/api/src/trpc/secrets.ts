import { SkeinError } from "@skein/errors";
import { z } from "zod";
import { procedure, router } from "./base.ts";
import { Page, pageOf, word } from "./inputs.ts";

/** Project and domain left out: every project's, every domain's. */
const Scope = z.object({ project: word("project's id").optional(), domain: word("domain's id").optional() });
const ById = Scope.extend({ group: word("group").optional(), key: word("key") });
/** Text, or base64 for what is none. */
const Value = z.union(
  [z.strictObject({ text: z.string() }), z.strictObject({ base64: z.string() })],
  'must be {"text": …} or {"base64": …}',
);

/** Values that tasks ask for. They go in here, and no answer ever holds one. */
export const secretsRouter = router({
  /** Adds a version of a secret, and the secret where it is new. */
  set: procedure
    .input(ById.extend({ value: Value }))
    .mutation(({ ctx, input: { value, ...id } }) => ctx.services.secrets.set(ctx.call, id, bytesOf(value))),

  /** Removes a secret of exactly this scope, with all its versions. */
  delete: procedure.input(ById).mutation(async ({ ctx, input }) => {
    await ctx.services.secrets.remove(ctx.call, input);
    return {};
  }),

  list: procedure.input(Scope.extend(Page.shape).prefault({})).query(async ({ ctx, input }) => {
    const { limit, cursor, ...scope } = input;
    const rows = await ctx.services.secrets.list(ctx.call, scope, { limit, offset: cursor });
    const items = rows.map(({ project, domain, group, key, version, createdBy, createdAt }) => ({
      ...{ project: project || null, domain: domain || null, group: group || null, key, version },
      ...{ createdBy, createdAt: createdAt.toISOString() },
    }));
    return pageOf(items, { limit, cursor });
  }),

  /** Puts what is encrypted under older master keys under the first one. Call it until nothing is left. */
  rotate: procedure.mutation(({ ctx }) => ctx.services.secrets.rotate(ctx.call)),
});

function bytesOf(value: z.output<typeof Value>): Uint8Array {
  if ("text" in value) return Buffer.from(value.text);
  const bytes = Buffer.from(value.base64, "base64");
  const isWhole = bytes.toString("base64").replace(/=+$/, "") === value.base64.replace(/=+$/, "");
  if (isWhole) return bytes;
  throw new SkeinError("invalid_argument", "field_invalid", "value.base64 is no base64.");
}
