import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { testAddresses } from '../../support/addresses.ts';
import { createDatabase } from '../../support/database.ts';
import { signedBy } from '../../support/signed-by.ts';
import { createConnectionTable, testAwsVariables } from '../../support/tables.ts';
import { until } from '../../support/webhook-bed.ts';

const owner: Caller = {
  ...{ connectionId: 'c1', userId: randomUUID(), username: 'Owner', scopes: [] },
  ...{ ipAddress: '203.0.113.7', userAgent: 'test' },
};
const guestId = randomUUID();

let database: Awaited<ReturnType<typeof createDatabase>>;
let flows: typeof import('../../../lambdas/flows/sessions/end-session.ts') &
  typeof import('../../../lambdas/flows/joining/join-session.ts') &
  typeof import('../../../lambdas/flows/sessions/manage-invites.ts') &
  typeof import('../../../lambdas/flows/sessions/manage-participants.ts') &
  typeof import('../../../lambdas/flows/sessions/recover-session.ts');
let services: Services;

beforeAll(async () => {
  database = await createDatabase();
  Object.assign(process.env, {
    ...{ DATABASE_URL: database.url, REDIS_URL: testAddresses.redis, OUTBOX_TABLE: 'unused', LOG_LEVEL: 'SILENT' },
    ...{ CONNECTIONS_TABLE: await createConnectionTable(), ...testAwsVariables() },
    MANAGEMENT_ENDPOINT: 'http://127.0.0.1:9',
  });
  flows = {
    ...(await import('../../../lambdas/flows/sessions/end-session.ts')),
    ...(await import('../../../lambdas/flows/joining/join-session.ts')),
    ...(await import('../../../lambdas/flows/sessions/manage-invites.ts')),
    ...(await import('../../../lambdas/flows/sessions/manage-participants.ts')),
    ...(await import('../../../lambdas/flows/sessions/recover-session.ts')),
  };
  const composed = (await import('../../../lambdas/composition/services.ts')).services;
  const { replaceServices } = await import('../../support/test-services.ts');
  services = replaceServices(composed, signedBy([Buffer.alloc(32, 1)], composed));
  // The trigger simulates a kill between the row and its entry.
  await database.pool.query(`
    CREATE FUNCTION refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$`);
});
afterAll(async () => {
  await services.redis.quit();
  await services.database.end();
  await database.drop();
});

const refuseEntries = () =>
  database.pool.query(`
    CREATE TRIGGER refused BEFORE INSERT ON activity_log FOR EACH ROW EXECUTE FUNCTION refuse_entry()`);
const takeEntries = () => database.pool.query('DROP TRIGGER refused ON activity_log');

async function stage() {
  const { id } = await services.sessions.createSession(owner.userId, 'op', { isPublic: true }, { username: 'Owner' });
  await services.sessions.addParticipant(id, guestId, 'viewer', { username: 'Guest' });
  const { inviteId, invite } = await services.invites.createInvite(id, owner, { role: 'operator' });
  return { id, inviteId, invite };
}
type Stage = Awaited<ReturnType<typeof stage>>;

/** All rows that a decision may change. */
async function rowsOf({ id }: Stage): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `SELECT to_jsonb(s) - 'updated_at' AS row FROM collaboration_sessions s WHERE id = $1 OR owner_id = $2
     UNION ALL SELECT to_jsonb(p) FROM session_participants p WHERE session_id = $1
     UNION ALL SELECT to_jsonb(i) FROM session_invites i WHERE session_id = $1 ORDER BY 1`,
    [id, owner.userId],
  );
  return rows;
}

async function entriesOf(type: string, { id }: Pick<Stage, 'id'>): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM activity_log WHERE activity_type = $1 AND session_id = $2',
    [type, id],
  );
  return rows[0]!.count;
}

const expireIt = ({ id }: Pick<Stage, 'id'>) =>
  database.pool.query(`UPDATE collaboration_sessions SET status = 'expired', end_time = now() WHERE id = $1`, [id]);

const newcomer = (): Caller => ({ ...owner, userId: randomUUID(), connectionId: randomUUID() });

type Act = (stage: Stage) => Promise<unknown>;
const nothing: Act = async () => {};

test.each<[string, Act, Act]>([
  ['participant_removed', ({ id }) => flows.removeParticipant(services, owner, id, guestId, undefined), nothing],
  ['participant_role_changed', ({ id }) => flows.changeRole(services, owner, id, guestId, 'operator'), nothing],
  ['session_ended', ({ id }) => flows.endSession(services, owner, id, 'completed'), nothing],
  ['session_recovered', ({ id }) => flows.recoverSession(services, owner, id), expireIt],
  ['invite_created', ({ id }) => flows.createInvite(services, owner, id, { role: 'viewer' }), nothing],
  ['invite_revoked', ({ id, inviteId }) => flows.revokeInvite(services, owner, id, inviteId), nothing],
  ['invite_used', ({ id, invite }) => flows.joinSession(services, newcomer(), id, invite), nothing],
])('[AC1] [FA6] the entry %s and its change are committed together or not at all', async (type, act, prepare) => {
  const where = await stage();
  await prepare(where);
  const before = await rowsOf(where);
  await refuseEntries();
  await expect(act(where)).rejects.toThrow();
  await takeEntries();
  expect(await rowsOf(where)).toEqual(before);
  await act(where);
  expect(await rowsOf(where)).not.toEqual(before);
  expect(await entriesOf(type, where)).toBe(1);
});

test('[AC1] [FA6] a session is not created without the entry of its creation', async () => {
  const count = async () => (await database.pool.query('SELECT id FROM collaboration_sessions')).rows.length;
  const before = await count();
  await refuseEntries();
  await expect(flows.createSession(services, newcomer(), 'op', undefined)).rejects.toThrow();
  await takeEntries();
  expect(await count()).toBe(before);
});

test('[SE9] a second removal and a second end write no second entry', async () => {
  const where = await stage();
  for (let times = 0; times < 2; times++) await flows.removeParticipant(services, owner, where.id, guestId, undefined);
  for (let times = 0; times < 2; times++) await flows.endSession(services, owner, where.id, 'completed');
  expect([await entriesOf('participant_removed', where), await entriesOf('session_ended', where)]).toEqual([1, 1]);
});

test('[SE7] if an invite is revoked twice at the same time, one of the calls returns true', async () => {
  const { id, inviteId } = await stage();
  const revoke = () => flows.revokeInvite(services, owner, id, inviteId);
  expect((await Promise.all([revoke(), revoke()])).sort()).toEqual([false, true]);
});

test('[SE11] a recovery during an opening of the key is refused once the opening is committed, and its transaction writes nothing', async () => {
  const key = `doc ${randomUUID()}`;
  const { id } = await services.keysOn(services.database).open({ key, isPublic: true, owner });
  await expireIt({ id });
  const opening = await database.pool.connect();
  await opening.query('BEGIN');
  const opened = await services.keysOn(opening).open({ key, isPublic: true, owner });
  const recovery = flows.recoverSession(services, owner, id).catch((error: unknown) => error);
  const isWaiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await until(async () => (await database.pool.query(isWaiting)).rows.length > 0, 'the recovery waits');
  await opening.query('COMMIT');
  opening.release();
  expect(await recovery).toMatchObject({ code: 'SESSION_INACTIVE', message: expect.stringContaining('open the key') });
  expect(await services.keysOn(services.database).live(key)).toBe(opened.id);
  expect(await entriesOf('session_recovered', { id })).toBe(0);
});
