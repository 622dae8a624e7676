import { randomUUID } from 'node:crypto';
import {
  type Actor,
  actionTaken,
  checkClientActivityType,
  commentAdded,
  inviteRefused,
  inviteUsed,
  participantRemoved,
  participantRoleChanged,
  sessionCreated,
  sessionEnded,
  sessionExpired,
  userJoined,
  userLeft,
  userTimedOut,
} from '../../lambdas/activity/activity-events.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import './support.ts';

let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
const start = Date.UTC(2026, 5, 1, 9);
const [alice, bob, carol] = [randomUUID(), randomUUID(), randomUUID()];

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
});

afterAll(() => database.drop());

beforeEach(() => {
  sessionId = randomUUID();
});

const by = (userId: string | null, seconds: number): Actor => ({ sessionId, userId, at: start + seconds * 1000 });

async function present(seconds: number) {
  const stays = await logger.whoWasHere(sessionId, start + seconds * 1000);
  const second = (time: number | null) => time && (time - start) / 1000;
  return stays.map((stay) => [stay.userId, stay.role, second(stay.joinedAt), second(stay.leftAt), stay.cause]);
}

describe('whoWasHere', () => {
  test('[PR9] returns the users who were present at a time, with the end of each stay and its cause', async () => {
    logger.queueActivity({ ...userJoined(by(alice, 0), 'operator'), username: 'Alice' });
    logger.queueActivity(userJoined(by(bob, 10), 'viewer'));
    logger.queueActivity(userLeft(by(alice, 20), 'left', 20));
    logger.queueActivity(userTimedOut(by(bob, 30), 10));
    logger.queueActivity(userJoined(by(alice, 40), 'viewer'));
    logger.queueActivity(userLeft(by(alice, 50), 'removed', 10));
    logger.queueActivity(userJoined(by(carol, 60), 'commenter'));
    await logger.flush();
    expect(await present(-1)).toEqual([]);
    expect(await present(0)).toEqual([[alice, 'operator', 0, 20, 'left']]);
    expect(await present(15)).toEqual([
      [alice, 'operator', 0, 20, 'left'],
      [bob, 'viewer', 10, 30, 'timeout'],
    ]);
    expect(await present(20)).toEqual([[bob, 'viewer', 10, 30, 'timeout']]);
    expect(await present(45)).toEqual([[alice, 'viewer', 40, 50, 'removed']]);
    expect(await present(55)).toEqual([]);
    expect(await present(1000)).toEqual([[carol, 'commenter', 60, null, null]]);
    expect((await logger.whoWasHere(sessionId, start))[0]!.username).toBe('Alice');
  });

  test('ends each stay without an end at the end of the session', async () => {
    logger.queueActivity(userJoined(by(alice, 0), 'operator'));
    logger.queueActivity(userJoined(by(bob, 1), 'viewer'));
    logger.queueActivity(userLeft(by(bob, 5), 'disconnected', 4));
    logger.queueActivity(sessionEnded(by(alice, 10), 'completed'));
    await logger.flush();
    expect(await present(3)).toEqual([
      [alice, 'operator', 0, 10, 'session_ended'],
      [bob, 'viewer', 1, 5, 'disconnected'],
    ]);
    expect(await present(11)).toEqual([]);
  });

  test('returns no users for an unknown session, and refuses an invalid time', async () => {
    expect(await logger.whoWasHere(randomUUID(), start)).toEqual([]);
    expect(await logger.whoWasHere("' OR 1=1", start)).toEqual([]);
    await expect(logger.whoWasHere(sessionId, Number.NaN)).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });
});

describe('the entries of the server', () => {
  test('[PR9] have the documented fields', () => {
    const actor = { sessionId, userId: alice, ipAddress: '10.0.0.1' };
    const said = (params: { type: string; details?: object }) => [params.type, params.details];
    expect(userJoined(actor, 'viewer')).toEqual({ ...actor, type: 'user_joined', details: { role: 'viewer' } });
    expect(said(userLeft(actor, 'disconnected', 12.4))).toEqual([
      'user_left',
      { cause: 'disconnected', durationSeconds: 12 },
    ]);
    expect(said(userTimedOut(actor, 9.6))).toEqual([
      'user_timeout',
      { reason: 'heartbeat_timeout', durationSeconds: 10 },
    ]);
    expect(said(sessionCreated(actor, 'op-1'))).toEqual(['session_created', { operationId: 'op-1' }]);
    expect(said(inviteUsed(actor, 'i', 'viewer'))).toEqual(['invite_used', { inviteId: 'i', role: 'viewer' }]);
    expect(said(inviteRefused(actor, 'INVITE_EXPIRED'))).toEqual(['invite_refused', { reason: 'INVITE_EXPIRED' }]);
    expect(said(participantRoleChanged(actor, bob, 'operator', 'viewer'))).toEqual([
      'participant_role_changed',
      { targetUserId: bob, role: 'operator', previousRole: 'viewer' },
    ]);
    expect(said(participantRemoved(actor, bob))).toEqual(['participant_removed', { targetUserId: bob }]);
    expect(said(commentAdded(actor, 'c1', 'hi'))).toEqual(['comment_added', { commentId: 'c1', text: 'hi' }]);
    expect(said(actionTaken(actor, 'approve', { step: 2 }))).toEqual(['action_taken', { step: 2, action: 'approve' }]);
  });

  test('[SE6] about an expiry have its reason, duration and number of participants', () => {
    expect(sessionExpired(sessionId, 61.2, 3)).toEqual({
      sessionId,
      userId: null,
      type: 'session_expired',
      details: { reason: 'inactivity_timeout', durationMinutes: 61, participantCount: 3 },
    });
  });

  test.each([
    ...['user_joined', 'user_left', 'user_timeout', 'session_created', 'session_ended', 'session_expired'],
    ...['session_recovered', 'invite_created', 'invite_revoked', 'invite_used', 'invite_refused'],
    ...['participant_role_changed', 'participant_removed'],
  ])('[PR9] of type %s cannot be written by a client, because the history of presence relies on them', (type) => {
    expect(() => checkClientActivityType(type)).toThrow('Only the server writes activity');
  });

  test('of all other types can be written by a client', () => {
    for (const type of ['comment_added', 'action_taken', 'User_joined', 'x']) {
      expect(() => checkClientActivityType(type)).not.toThrow();
    }
  });
});
