import * as z from 'zod/mini';
import { messages } from '../../../protocol/messages.ts';
import { refuseUnacceptable } from '../../../protocol/validation.ts';

const checked = <T extends z.ZodMiniType>(schema: T) => schema.check(z.superRefine(refuseUnacceptable));

/** The bodies of the server API and of the management of its keys. Other fields are ignored. */
export const bodySchemas = {
  /** The fields of the message `broadcast`, so that both have the same limits. */
  event: messages.broadcast.schema,
  /** The fields of the message `participant_remove`. */
  removal: messages.participant_remove.schema,
  /** What the terms mean is checked where a key is created. */
  key: checked(
    z.object({
      name: z.string(),
      scopes: z.array(z.string()),
      sessions: z.optional(z.array(z.string())),
      expiresInSeconds: z.optional(z.number()),
    }),
  ),
} as const;
