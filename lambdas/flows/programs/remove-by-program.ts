import type { Session } from '../../../protocol/entities.ts';
import { participantRemoved } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import { removePerson } from '../sessions/manage-participants.ts';
import { entryOf, type Program } from './program.ts';

/**
 * Removes a person from a session as its owner would (rule SA6). The entry in the audit trail names the key.
 *
 * @returns false if the person had no access to the session.
 * @throws RollcallError PERMISSION_DENIED for the owner of the session.
 */
export function removeByProgram(
  services: Services,
  program: Program,
  { id }: Session,
  userId: string,
  reason: string | undefined,
): Promise<boolean> {
  return removePerson(services, reason, {
    decide: (sessions) => sessions.removeParticipant(id, userId),
    entry: (sessionId, personId) => entryOf(program, sessionId, (actor) => participantRemoved(actor, personId, reason)),
  });
}
