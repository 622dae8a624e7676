import { randomUUID } from 'node:crypto';
import type { ActivityLogger } from '../../../lambdas/activity/activity-logger.ts';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { joinSession } from '../../../lambdas/flows/joining/join-session.ts';
import { inTransaction } from '../../../lambdas/platform/transaction.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { SessionInvites } from '../../../lambdas/sessions/session-invites.ts';
import { SessionManager } from '../../../lambdas/sessions/session-manager.ts';
import { readTimings } from '../../../protocol/timings.ts';
import { createLogger } from '../../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { testServices } from '../../support/test-services.ts';
import { rowFaults } from './rows.ts';

// The campaign's check of entries whose users are in no other table.

let database: TestDatabase;
let services: Services;
let activity: ActivityLogger;

beforeEach(async () => {
  database = await createDatabase();
  const { pool } = database;
  const inviteKeys = () => [Buffer.alloc(32, 1)];
  const timings = readTimings({});
  const sessionsOn: Services['sessionsOn'] = (on) => new SessionManager({ database: on, timings, inviteKeys });
  const invitesOn: Services['invitesOn'] = (on, sessions) => new SessionInvites({ database: on, sessions, inviteKeys });
  const sessions = sessionsOn(pool);
  activity = createLogger({ pool });
  services = testServices({
    ...{
      timings,
      sessions,
      sessionsOn,
      invites: invitesOn(pool, sessions),
      invitesOn,
      inviteKeys,
      keysOn: () => undefined,
      activity,
    },
    database: { transaction: (work: Parameters<typeof inTransaction>[2]) => inTransaction(pool, 'write', work) },
  });
});
afterEach(() => database.drop());

const nobodies = async () =>
  (await rowFaults(database.pool)).filter((fault) => fault.startsWith('an activity of an unknown user'));

/** A private session, and a revoked invite to it. */
async function revokedInvite() {
  const ownerId = randomUUID();
  const { id: sessionId } = await services.sessions.createSession(ownerId, 'campaign', { isPublic: false });
  const { inviteId, invite } = await services.invites.createInvite(sessionId, { userId: ownerId }, { role: 'viewer' });
  await services.invites.revokeInvite(sessionId, { userId: ownerId }, inviteId);
  return { sessionId, invite };
}

test('[SE7] the entry of a refused invite has the name of its user, even if no table of users has them', async () => {
  const { sessionId, invite } = await revokedInvite();
  const stranger: Caller = {
    ...{ connectionId: 'c1', userId: randomUUID(), username: 'Person 1', scopes: [] },
    ...{ ipAddress: null, userAgent: null },
  };
  await expect(joinSession(services, stranger, sessionId, invite)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
  const { rows } = await database.pool.query('SELECT activity_type, username FROM activity_log WHERE user_id = $1', [
    stranger.userId,
  ]);
  expect(rows).toEqual([{ activity_type: 'invite_refused', username: 'Person 1' }]);
  expect((await database.pool.query('SELECT FROM users WHERE id = $1', [stranger.userId])).rowCount).toBe(0);
  expect(await nobodies()).toEqual([]);
});

test('the check finds other entries of unknown users, and refusals without a name', async () => {
  const { sessionId } = await revokedInvite();
  const [writer, refused] = [randomUUID(), randomUUID()];
  await activity.logActivity(sessionId, writer, 'note', { key: 'k' }, { username: 'Person 2' });
  await activity.logActivity(sessionId, refused, 'invite_refused', { reason: 'INVITE_INVALID' });
  expect((await nobodies()).sort()).toEqual(
    [writer, refused].sort().map((id) => `an activity of an unknown user: ${id}`),
  );
});
