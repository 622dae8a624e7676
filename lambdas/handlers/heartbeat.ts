import { route } from '../adapters/route.ts';
import { resyncIfBehind } from '../flows/frames/resync.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { turnOf } from '../platform/turn.ts';
import { postToCaller } from '../services/delivery.ts';

/** Route `heartbeat`: the sender lives, perhaps their cursor moved, perhaps they lost a frame. */
export const handler = route(
  'heartbeat',
  {
    async heartbeat({ sessionId, cursor, idle, epoch, seq, order }, caller) {
      const touch = { kind: 'heartbeat', cursor, idle, turn: turnOf(caller, order) } as const;
      const outcome = await signOfLife(caller, sessionId, touch);
      if (outcome && epoch !== undefined && seq !== undefined)
        await resyncIfBehind(caller, sessionId, { epoch, seq }, outcome, Date.now());
      return undefined;
    },
  },
  { post: postToCaller },
);
