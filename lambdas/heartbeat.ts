import { signOfLife } from './flows/sign-of-life.ts';
import { postToCaller } from './runtime/delivery.ts';
import { route } from './runtime/route.ts';

/** Route `heartbeat`: the sender lives, and perhaps their cursor moved. */
export const handler = route(
  'heartbeat',
  {
    async heartbeat({ sessionId, cursor, idle }, caller) {
      await signOfLife(caller, sessionId, { kind: 'heartbeat', cursor, idle });
      return undefined;
    },
  },
  { post: postToCaller },
);
