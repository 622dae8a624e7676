import * as z from 'zod/mini';
import { RollcallError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { refuseUnacceptable } from '../../../protocol/validation.ts';

const whole = (least: number, most: number) => z.coerce.number().check(z.int(), z.minimum(least), z.maximum(most));
const time = () => whole(0, 8.64e15);

/**
 * The largest size of the items of one page as JSON. The answer of a function has at most 6 MB, and a quotation mark of CSV
 * takes four bytes of it instead of one.
 */
export const httpPageBytes = 1024 * 1024;

const page = {
  limit: z.optional(whole(1, limits.pageItems)),
  before: z.optional(z.string().check(z.maxLength(512))),
};
/** Whether CSV begins with a byte order mark. */
const bom = z.pipe(
  z._default(z.enum(['0', '1']), '0'),
  z.transform((value) => value === '1'),
);

/** The query parameters of the HTTP API. Other parameters are ignored. */
export const querySchemas = {
  page: z.object(page),
  activity: z.object({
    format: z._default(z.enum(['json', 'csv', 'ndjson']), 'json'),
    ...{ bom, ...page },
    type: z.optional(z.string().check(z.maxLength(limits.activityTypeCharacters))),
    userId: z.optional(z.guid()),
    from: z.optional(time()),
    to: z.optional(time()),
  }),
  checkpoints: z.object({
    limit: z.optional(whole(1, limits.pageItems)),
    before: z.optional(whole(1, Number.MAX_SAFE_INTEGER)),
  }),
  attendance: z.object({
    format: z._default(z.enum(['json', 'csv']), 'json'),
    ...{ bom, ...page },
    from: z.optional(time()),
    to: z.optional(time()),
  }),
  moment: z.object({ at: time() }),
  figures: z.object({ from: z.optional(time()), to: z.optional(time()) }),
  liveSessions: z.object({
    ...page,
    by: z._default(z.enum(['people', 'dollars']), 'people'),
    search: z.optional(z.string().check(z.maxLength(255))),
  }),
  serverSessions: z.object({ ...page, key: z.optional(z.string().check(z.maxLength(limits.keyCharacters))) }),
  removal: z.object({ reason: z.optional(z.string()) }),
  liveSession: z.object({ at: z.optional(time()) }),
  analytics: z.object({
    format: z._default(z.enum(['json', 'csv']), 'json'),
    ...{ bom, ...page },
    step: z._default(z.enum(['hour', 'day']), 'day'),
    by: z._default(z.enum(['entries', 'joins']), 'entries'),
    from: z.optional(time()),
    to: z.optional(time()),
  }),
} as const;

/** @throws RollcallError INVALID_MESSAGE that names the invalid parameter. */
export function readQuery<T extends z.ZodMiniType>(schema: T, query: Record<string, string | undefined>): z.infer<T> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.check(z.superRefine(refuseUnacceptable)).safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new RollcallError('INVALID_MESSAGE', `The query parameter "${issue.path.join('.')}": ${issue.message}.`);
}
