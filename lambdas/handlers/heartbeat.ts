import { route } from '../adapters/route.ts';
import { healIfBehind } from '../flows/frames/heal.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { postToCaller } from '../services/delivery.ts';

/** Route `heartbeat`: the sender lives, perhaps their cursor moved, perhaps they lost a frame. */
export const handler = route(
  'heartbeat',
  {
    async heartbeat({ sessionId, cursor, idle, epoch, seq }, caller) {
      const outcome = await signOfLife(caller, sessionId, { kind: 'heartbeat', cursor, idle });
      if (epoch !== undefined && seq !== undefined) await healIfBehind(caller, sessionId, { epoch, seq }, outcome);
      return undefined;
    },
  },
  { post: postToCaller },
);
