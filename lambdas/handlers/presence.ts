import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { seating } from '../composition/seating.ts';
import { broadcastEvent } from '../flows/frames/broadcast-event.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { snapshotFor } from '../flows/frames/snapshot.ts';
import { rememberChoice } from '../flows/presence/remember-choice.ts';
import { turnOf } from '../platform/turn.ts';
import type { Services } from '../services/services.ts';

/**
 * Routes `presence_update`, `broadcast` and `presence_sync`: what others see of the sender, an event for others, and the
 * snapshot.
 */
export const presenceRoute = (services: Services) =>
  route(
    'presence',
    {
      async presence_update({ sessionId, status, activity, data, cursor, order }, caller) {
        const touch = { kind: 'update', status, activity, data, cursor, turn: turnOf(caller, order) } as const;
        const outcome = await signOfLife(services, caller, sessionId, touch);
        // Without `chosenAt`, a later frame has set the status and stores it.
        const chosenAt = outcome?.chosenAt;
        if (status !== undefined && chosenAt !== undefined)
          await rememberChoice(services, caller, sessionId, status, chosenAt);
        return undefined;
      },

      async broadcast({ requestId: _, ...event }, caller) {
        await broadcastEvent(services, caller, event);
        return undefined;
      },

      async presence_sync({ sessionId }, caller) {
        return { type: 'presence_state', ...(await snapshotFor(services, caller, sessionId)) };
      },
    },
    { log: services.log, metrics: services.metrics },
  );

export const parts = seating;
export const handler = presenceRoute(compose(parts));
