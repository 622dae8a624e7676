import { RollcallError } from '../../protocol/errors.ts';
import { route } from '../adapters/route.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { turnOf } from '../platform/turn.ts';
import { postToCaller } from '../services/delivery.ts';

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
