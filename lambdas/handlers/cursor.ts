import { RollcallError } from '../../protocol/errors.ts';
import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { frames } from '../composition/frames.ts';
import { postToCaller } from '../flows/callers/post-to-caller.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { turnOf } from '../platform/turn.ts';
import type { Services } from '../services/services.ts';

/** Route `cursor_update`: the cursor of the sender moved. */
export const cursorRoute = (services: Services) =>
  route(
    'cursor',
    {
      async cursor_update({ sessionId, cursor, order, requestId }, caller) {
        const moved = signOfLife(services, caller, sessionId, { kind: 'cursor', cursor, turn: turnOf(caller, order) });
        await (requestId === undefined ? moved.catch(dropTooFast) : moved);
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
export const handler = cursorRoute(compose(parts));

/**
 * Drops a cursor over the rate limit without an error, because a later one replaces it. A request with a `requestId` gets
 * the error.
 */
function dropTooFast(error: unknown): void {
  if (!(error instanceof RollcallError && error.code === 'RATE_LIMITED')) throw error;
}
