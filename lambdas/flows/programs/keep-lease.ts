import { v5 as uuidv5 } from 'uuid';
import { agentReassigned } from '../../activity/activity-events.ts';
import type { AgentMark, Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Seat } from '../../presence/seat.ts';
import type { Services } from '../../services/services.ts';
import { audit } from '../journal/audit.ts';
import type { Program } from './program.ts';

/** A renewal as Redis stored it. */
interface Renewal extends AgentMark {
  renewedAt: number;
  name: string;
  /** Since when the agent acts for that user, Unix milliseconds. */
  actsSince: number;
}

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const reassignments = 'c5a0f7de-9d0b-4a53-8f07-1e7c5b9a2d64';

/**
 * Stores the lease and the name of an agent in the connection table, so that they are known after Redis lost the session. The table has
 * the user for whom the agent acts as the audit trail has it (rule SA10): if that changed, the entry is written first, with an id that is
 * computed from the change. So a renewal that is killed in between leaves it to the next one. While the table is away, only Redis has the
 * renewal (rule FA4).
 */
export async function keepLease(
  services: Services,
  program: Program,
  seat: Seat,
  { name, actsSince, ...mark }: Renewal,
): Promise<void> {
  try {
    if (await services.registry.setLease(seat, { username: name, agent: mark, sameUser: true })) return;
    const membership = await services.registry.membership(seat.connectionId, seat.sessionId);
    if (!membership || isLater(membership, mark)) return;
    await audit(services, reassignmentOf(program, seat, { name, actsSince, ...mark }));
    await services.registry.setLease(seat, { username: name, agent: mark, sameUser: false });
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('A lease could not be stored in the connection table', {
      ...{ sessionId: seat.sessionId, error: error.cause as Error },
    });
  }
}

function isLater({ agent }: Membership, { renewedAt }: { renewedAt: number }): boolean {
  return agent?.renewedAt !== undefined && agent.renewedAt >= renewedAt;
}

function reassignmentOf(
  { key, ipAddress, userAgent }: Program,
  { sessionId, userId }: Seat,
  { name, actsSince, onBehalfOf }: Renewal,
) {
  const actor = { sessionId, userId, username: name, ipAddress, userAgent };
  const activityId = uuidv5(`${sessionId}:${userId}:${actsSince}`, reassignments);
  return { ...agentReassigned(actor, { onBehalfOf, keyId: key.id }), at: actsSince, activityId, mayRepeat: true };
}
