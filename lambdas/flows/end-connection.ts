import type { LeaveCause } from '../../protocol/entities.ts';
import { registry } from '../runtime/delivery.ts';
import { presence } from '../runtime/presence.ts';
import { expectVisit } from './sweep-waker.ts';

/**
 * A socket has ended without leaving: its seats get the grace, after which the sweep announces the leave. Only this
 * connection is touched, so a late or doubled event never harms a newer one (rules PR7, PR8, FA5).
 */
export async function endConnection(connectionId: string, cause: LeaveCause, graceMillis: number): Promise<void> {
  const memberships = await registry().remove(connectionId);
  const now = Date.now();
  await Promise.all(
    memberships.map(async ({ sessionId, userId }) => {
      const closed = await presence().store.close({ sessionId, userId, connectionId }, now + graceMillis, cause, now);
      if (closed) await expectVisit(sessionId, now + graceMillis);
    }),
  );
}
