import { methodsOf, sessionCalls } from './calls.ts';
import type { Environment } from './environment.ts';
import type { SessionCore } from './session.ts';
import type { Session } from './session-api.ts';
import type { SessionSnapshot } from './types.ts';

/** The public interface of a session. */
export function createSession(core: SessionCore, environment: Environment): Session {
  const session = {
    get ready() {
      return core.readiness.promise;
    },
    get id() {
      return core.id;
    },
    setStatus: (status) => core.say({ status }),
    setActivity: (activity) => core.say({ activity }),
    setData: (data) => core.say({ data }),
    setCursor: (cursor) => core.say({ cursor }),
    broadcast: (event, payload, options) => core.broadcast(event, payload, options?.to),
    on: core.on as Session['on'],
    subscribe: core.subscribe,
    getSnapshot: () => core.snapshot,
    logActivity: (type, details) => core.outbox.add(type, details, environment.id()),
    recover: (options) => core.recover(options?.signal),
    async leave() {
      core.refs -= 1;
      // React's StrictMode unmounts and mounts a component at once; then the session must not be left.
      await undefined;
      if (core.refs < 1) await core.leave();
    },
    ...methodsOf(sessionCalls, core.request),
  } as Session;
  for (const field of Object.keys(core.snapshot) as (keyof SessionSnapshot)[]) {
    Object.defineProperty(session, field, { get: () => core.snapshot[field], enumerable: true });
  }
  return session;
}
