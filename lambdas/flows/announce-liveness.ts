import type { LivenessEvent } from '../presence/liveness-settings.ts';
import { messenger, registry } from '../runtime/delivery.ts';

/**
 * Tells the owner of a session or machine, on every connection they have, that it became active or inactive. A
 * connection that has ended is skipped: what it joined is ended by its own `$disconnect` or by its silence.
 */
export async function announceLiveness(event: LivenessEvent): Promise<void> {
  const { ownerId, ...frame } = event;
  const connections = await registry().connectionsOf(ownerId);
  await messenger().broadcast(connections, frame, { kind: 'state' });
}
