import * as z from 'zod/mini';
import { limits } from '../../../protocol/limits.ts';
import { messages } from '../../../protocol/messages.ts';
import { serverLimits } from '../../../protocol/server-api.ts';
import { refuseUnacceptable } from '../../../protocol/validation.ts';

const checked = <T extends z.ZodMiniType>(schema: T) => schema.check(z.superRefine(refuseUnacceptable));

const { leaseSeconds, agentIdCharacters } = serverLimits;
const agentId = () => z.string().check(z.minLength(1), z.maxLength(agentIdCharacters));

/** The bodies of the server API and of the management of its keys. Other fields are ignored. */
export const bodySchemas = {
  /** The fields of the message `broadcast`, so that both have the same limits. */
  event: checked(z.object({ ...messages.broadcast.schema.shape, agent: z.optional(agentId()) })),
  agentId: checked(z.object({ agentId: agentId() })),
  /** The fields of the message `participant_remove`. */
  removal: messages.participant_remove.schema,
  /** The fields of `presence_update`, with the name, the lease and the user for whom the agent acts. */
  agent: checked(
    z.object({
      ...messages.presence_update.schema.shape,
      status: z.optional(z.enum(['online', 'away'])),
      name: z.optional(z.string().check(z.maxLength(limits.nameCharacters))),
      onBehalfOf: z.optional(z.nullable(z.guid())),
      leaseSeconds: z.optional(z.number().check(z.minimum(leaseSeconds.least), z.maximum(leaseSeconds.most))),
    }),
  ),
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
