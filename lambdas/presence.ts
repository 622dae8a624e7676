import { rememberChoice } from './flows/remember-choice.ts';
import { signOfLife } from './flows/sign-of-life.ts';
import { snapshotFor } from './flows/snapshot.ts';
import { route } from './runtime/route.ts';

/** Routes `presence_update` and `presence_sync`: what the sender shows of themselves, and the whole state. */
export const handler = route('presence', {
  async presence_update({ sessionId, status, activity, data, cursor }, caller) {
    await signOfLife(caller, sessionId, { kind: 'update', status, activity, data, cursor });
    if (status !== undefined) await rememberChoice(caller, sessionId, status);
    return undefined;
  },

  async presence_sync({ sessionId }, caller) {
    return { type: 'presence_state', ...(await snapshotFor(caller, sessionId)) };
  },
});
