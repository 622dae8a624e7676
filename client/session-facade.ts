import type { Environment } from './environment.ts';
import type { Frame } from './gather.ts';
import type { SessionCore } from './session.ts';
import type { RequestOptions, Session } from './session-api.ts';

/** What the application holds of a session. */
export function createSession(core: SessionCore, environment: Environment): Session {
  const send = (
    type: string,
    { signal, ...fields }: RequestOptions & Record<string, unknown> = {},
    repeatable = true,
  ) => core.request({ ...fields, type }, { signal, repeatable });
  const answer = async <R>(reply: Promise<Frame>, field: string) => (await reply)[field] as R;

  return {
    get ready() {
      return core.readiness.promise;
    },
    get id() {
      return core.id ?? core.name;
    },
    get info() {
      return core.snapshot.info;
    },
    get role() {
      return core.snapshot.role;
    },
    get state() {
      return core.snapshot.state;
    },
    get self() {
      return core.snapshot.self;
    },
    get others() {
      return core.snapshot.others;
    },
    get users() {
      return core.snapshot.users;
    },
    get cursors() {
      return core.snapshot.cursors;
    },
    setStatus: (status) => core.say({ status }),
    setActivity: (activity) => core.say({ activity }),
    setData: (data) => core.say({ data }),
    setCursor: (cursor) => core.say({ cursor }),
    broadcast: (event, payload, { to } = {}) => core.broadcast(event, payload, to),
    on: core.on as Session['on'],
    subscribe: core.subscribe,
    getSnapshot: () => core.snapshot,
    logActivity: (type, details) => core.outbox.add(type, details, environment.id()),
    async queryActivity(query) {
      const { items, next } = (await send('activity_query', { ...query })) as Frame & { items: never; next?: string };
      return { items, next };
    },
    presenceAt: (at, options) => answer(send('presence_history', { ...options, at }), 'stays'),
    participants: (options) => answer(send('participants_list', { ...options }), 'participants'),
    async setRole(userId, role, options) {
      await send('participant_role', { ...options, userId, role });
    },
    async remove(userId, reason, options) {
      await send('participant_remove', { ...options, userId, reason });
    },
    async createInvite(terms) {
      const { inviteId, invite, expiresAt } = (await send('invite_create', { ...terms }, false)) as Frame & {
        inviteId: string;
        invite: string;
        expiresAt: number;
      };
      return { inviteId, invite, expiresAt };
    },
    async revokeInvite(inviteId, options) {
      await send('invite_revoke', { ...options, inviteId });
    },
    async end(status, options) {
      const { reason } = (await send('session_end', { ...options, status })) as Frame & { reason: string };
      core.over('ended', 'ended', reason);
    },
    recover: ({ signal } = {}) => core.recover(signal),
    async leave() {
      core.refs -= 1;
      // A component that is unmounted and mounted again at once, as React's StrictMode does, changes nothing.
      await Promise.resolve();
      if (core.refs <= 0) await core.leave();
    },
  };
}
