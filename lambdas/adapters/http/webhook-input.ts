import * as z from 'zod/mini';
import { limits } from '../../../protocol/limits.ts';
import { refuseUnacceptable } from '../../../protocol/validation.ts';
import { webhookEventTypes, webhookStates } from '../../../protocol/webhooks.ts';

const text = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));
const time = () => z.number().check(z.int(), z.minimum(0), z.maximum(8.64e15));
const events = z.array(z.enum(webhookEventTypes)).check(z.minLength(1), z.maxLength(webhookEventTypes.length));
const description = z.string().check(z.maxLength(200));
/** PostgreSQL cannot store every text. */
const acceptable = <T extends z.ZodMiniType>(schema: T) => schema.check(z.superRefine(refuseUnacceptable));
const weekSeconds = 7 * 86_400;

/** The bodies of the requests about webhooks. A field that is not known is refused, so that no typing error is ignored. */
export const webhookBodies = {
  add: acceptable(
    z.strictObject({
      url: text(2048),
      description: z._default(description, ''),
      events: z._default(events, [...webhookEventTypes]),
      session: z.optional(text(255)),
      key: z.optional(text(255)),
    }),
  ),
  change: acceptable(
    z.strictObject({
      url: z.optional(text(2048)),
      description: z.optional(description),
      events: z.optional(events),
      enabled: z.optional(z.boolean()),
    }),
  ),
  rotate: z.strictObject({
    overlapSeconds: z.optional(z.number().check(z.int(), z.minimum(0), z.maximum(weekSeconds))),
  }),
  replay: z.union([
    z.strictObject({ eventId: z.guid() }),
    z.strictObject({ dead: z.literal(true), after: z.optional(text(200)) }),
    z.strictObject({ from: time(), to: z.optional(time()), after: z.optional(text(200)) }),
  ]),
} as const;

/** The query of the list of deliveries. */
export const webhookQuery = z.object({
  state: z.optional(z.enum(webhookStates)),
  limit: z.optional(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(limits.pageItems))),
  before: z.optional(text(200)),
});
