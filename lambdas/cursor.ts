import { RollcallError } from '../protocol/errors.ts';
import { turnOf } from './delivery/turn.ts';
import { signOfLife } from './flows/sign-of-life.ts';
import { postToCaller } from './runtime/delivery.ts';
import { route } from './runtime/route.ts';

/** Route `cursor_update`: the sender points somewhere else. */
export const handler = route(
  'cursor',
  {
    async cursor_update({ sessionId, cursor, order, requestId }, caller) {
      const moved = signOfLife(caller, sessionId, { kind: 'cursor', cursor, turn: turnOf(caller, order) });
      await (requestId === undefined ? moved.catch(dropTooFast) : moved);
      return undefined;
    },
  },
  { post: postToCaller },
);

/** Cursors over the limit are dropped silently, a later one says more anyway; who asked for an answer gets it. */
function dropTooFast(error: unknown): void {
  if (!(error instanceof RollcallError && error.code === 'RATE_LIMITED')) throw error;
}
