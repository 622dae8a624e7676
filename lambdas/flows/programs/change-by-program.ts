import { RollcallError } from '../../../protocol/errors.ts';
import type { KeyScope } from '../../../protocol/server-api.ts';
import { programRefused } from '../../activity/activity-events.ts';
import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';
import { audit } from '../journal/audit.ts';
import { requireScope } from './admit-program.ts';
import { entryOf, type Program } from './program.ts';

/**
 * Does a change in a session for a program. If its key may not do that there, the audit trail of the session says so (rule SA5). The
 * scope is checked before the session is looked up, so a key without it learns nothing about sessions.
 *
 * @throws RollcallError PERMISSION_DENIED without the scope, and whatever the work throws.
 */
export async function changeByProgram<T>(
  services: Services,
  program: Program,
  scope: KeyScope,
  sessionRef: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    requireScope(program.key, scope);
    return await work();
  } catch (error) {
    if (error instanceof RollcallError && ['PERMISSION_DENIED', 'SESSION_NOT_FOUND'].includes(error.code)) {
      await noteRefusal(services, program, scope, sessionRef);
    }
    throw error;
  }
}

async function noteRefusal(services: Services, program: Program, scope: KeyScope, sessionRef: string): Promise<void> {
  try {
    const { id } = await services.sessions.getSession(sessionRef);
    await audit(
      services,
      entryOf(program, id, (actor) => programRefused(actor, scope, 'PERMISSION_DENIED')),
    );
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'SESSION_NOT_FOUND') return;
    logFailure(services.log, 'A refusal could not be recorded', error, { sessionRef, keyId: program.key.id });
  }
}
