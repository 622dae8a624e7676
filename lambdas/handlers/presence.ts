import { route } from '../adapters/route.ts';
import { signOfLife } from '../flows/frames/sign-of-life.ts';
import { snapshotFor } from '../flows/frames/snapshot.ts';
import { rememberChoice } from '../flows/presence/remember-choice.ts';

/** Routes `presence_update` and `presence_sync`: what the sender shows of themselves, and the whole state. */
export const handler = route('presence', {
  async presence_update({ sessionId, status, activity, cursor }, caller) {
    await signOfLife(caller, sessionId, { kind: 'update', status, activity, cursor });
    if (status !== undefined) await rememberChoice(caller, sessionId, status);
    return undefined;
  },

  async presence_sync({ sessionId }, caller) {
    return { type: 'presence_state', ...(await snapshotFor(caller, sessionId)) };
  },
});
