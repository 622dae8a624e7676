import { signOfLife } from './flows/sign-of-life.ts';
import { postToCaller } from './runtime/delivery.ts';
import { route } from './runtime/route.ts';

/** Route `cursor_update`: the sender points somewhere else. */
export const handler = route(
  'cursor',
  {
    async cursor_update({ sessionId, cursor }, caller) {
      await signOfLife(caller, sessionId, { kind: 'cursor', cursor });
      return undefined;
    },
  },
  { post: postToCaller },
);
