import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { frames } from '../composition/frames.ts';
import { postToCaller } from '../flows/callers/post-to-caller.ts';
import { resyncIfBehind } from '../flows/frames/resync.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { turnOf } from '../platform/turn.ts';
import type { Services } from '../services/services.ts';

/** Route `heartbeat`: a sign of life of the sender. It may contain a cursor, and it shows whether the client missed a diff. */
export const heartbeatRoute = (services: Services) =>
  route(
    'heartbeat',
    {
      async heartbeat({ sessionId, cursor, idle, hidden, epoch, seq, order }, caller) {
        const touch = { kind: 'heartbeat', cursor, idle, hidden, turn: turnOf(caller, order) } as const;
        const outcome = await signOfLife(services, caller, sessionId, touch);
        if (outcome && epoch !== undefined && seq !== undefined)
          await resyncIfBehind(services, caller, sessionId, { epoch, seq }, outcome, services.clock());
        return undefined;
      },
    },
    {
      log: services.log,
      metrics: services.metrics,
      post: (connectionId, frame) => postToCaller(services, connectionId, frame),
    },
  );

export const parts = frames;
export const handler = heartbeatRoute(compose(parts));
