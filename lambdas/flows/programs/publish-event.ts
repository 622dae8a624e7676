import { createHash, randomUUID } from 'node:crypto';
import type { Session } from '../../../protocol/entities.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Message } from '../../../protocol/messages.ts';
import { EventPublisher } from '../../presence/event-publisher.ts';
import type { Services } from '../../services/services.ts';
import { endGoneReceivers } from '../connections/end-gone.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { agentUserId } from './agent.ts';
import { type Program, senderId } from './program.ts';

/** How an event was published. */
export interface Published {
  /** To how many connections it was sent now. */
  receivers: number;
  /** Whether an event with the same idempotency key was published before, so that this one was not sent. */
  repeated: boolean;
}

/** An event of a program, or of one of its agents. */
export type ProgramEvent = Pick<Message<'broadcast'>, 'event' | 'payload' | 'to'> & { agent?: string | undefined };

/**
 * Sends an event of a program to the connections in a session, or to those of the users that it names, at most once to each (rule
 * SA4). It is neither stored nor logged.
 *
 * @param idempotencyKey within ten minutes, an event of the session with the same one is not sent again.
 * @throws RollcallError NOT_IN_SESSION for an agent that is not present; INVALID_MESSAGE if the idempotency key is that of an event with
 *   another content; RATE_LIMITED if the session sends more than its limit; UNAVAILABLE while Redis is away.
 */
export async function publishEvent(
  services: Services,
  program: Program,
  { id: sessionId }: Session,
  { event, payload, to, agent }: ProgramEvent,
  idempotencyKey: string | undefined,
): Promise<Published> {
  const publisher = new EventPublisher(services.redis, services.timings);
  const agentId = agent === undefined ? undefined : agentUserId(agent);
  const named = to?.map((each) => each.toLowerCase());
  const mark =
    idempotencyKey === undefined ? undefined : markOf(program, idempotencyKey, [event, payload, named, agentId]);
  const address = () => publisher.address(sessionId, { agentId, to: named, mark }, services.clock());
  let addressed = await address();
  if (!addressed) {
    await rebuildSession(services, sessionId, { onlyIfLost: true });
    addressed = await address();
  }
  if (addressed?.verdict === 'absent' || (!addressed && agentId)) throw refusals.absent();
  // Nobody is in the session.
  if (!addressed) return { receivers: 0, repeated: false };
  if (addressed.verdict === 'other') throw refusals.otherEvent();
  if (addressed.verdict === 'repeated') return { receivers: 0, repeated: true };
  const { receivers } = addressed;
  const at = services.clock();
  const sender =
    agentId === undefined
      ? ({ userId: senderId(program), kind: 'server' } as const)
      : ({ userId: agentId, kind: 'agent' } as const);
  const frame: ServerFrame = { type: 'broadcast', sessionId, event, payload, at, ...sender };
  const connectionIds = receivers.map((receiver) => receiver.connectionId);
  const { gone } = await services.broadcaster.broadcast(connectionIds, frame, { kind: 'event' });
  await endGoneReceivers(services, sessionId, receivers, gone);
  return { receivers: receivers.length, repeated: false };
}

/** Two keys may choose the same idempotency key. */
function markOf({ key }: Program, idempotencyKey: string, content: unknown[]) {
  const id = hashOf(`${key.id} ${idempotencyKey}`);
  return { id, content: hashOf(JSON.stringify(content)), attempt: randomUUID() };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

const refusals = {
  absent: () =>
    new RollcallError('NOT_IN_SESSION', 'The agent is not in the session; make it present with PUT before it speaks.'),
  otherEvent: () =>
    new RollcallError(
      'INVALID_MESSAGE',
      'Another event was sent with this Idempotency-Key; send a new key with each new event.',
    ),
};
