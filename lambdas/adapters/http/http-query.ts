import { z } from 'zod';
import { RollcallError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { refuseUnacceptable } from '../../../protocol/text.ts';

const whole = z.coerce.number().int();
const time = whole.min(0).max(8.64e15);

/**
 * The largest size of the items of one page as JSON. The answer of a function has at most 6 MB, and a quotation mark of CSV
 * takes four bytes of it instead of one.
 */
export const httpPageBytes = 1024 * 1024;

const page = { limit: whole.min(1).max(limits.pageItems).optional(), before: z.string().max(512).optional() };
/** Whether CSV begins with a byte order mark. */
const bom = z
  .enum(['0', '1'])
  .default('0')
  .transform((value) => value === '1');

/** The query parameters of the HTTP API. Other parameters are ignored. */
export const querySchemas = {
  page: z.object(page),
  activity: z.object({
    format: z.enum(['json', 'csv', 'ndjson']).default('json'),
    ...{ bom, ...page },
    type: z.string().max(limits.activityTypeCharacters).optional(),
    userId: z.guid().optional(),
    from: time.optional(),
    to: time.optional(),
  }),
  checkpoints: z.object({
    limit: whole.min(1).max(limits.pageItems).optional(),
    before: whole.min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  }),
  attendance: z.object({
    format: z.enum(['json', 'csv']).default('json'),
    ...{ bom, ...page },
    from: time.optional(),
    to: time.optional(),
  }),
  moment: z.object({ at: time }),
} as const;

/** @throws RollcallError INVALID_MESSAGE that names the invalid parameter. */
export function readQuery<T extends z.ZodType>(schema: T, query: Record<string, string | undefined>): z.infer<T> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.superRefine(refuseUnacceptable).safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new RollcallError('INVALID_MESSAGE', `The query parameter "${issue.path.join('.')}": ${issue.message}.`);
}
