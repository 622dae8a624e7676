import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Crowd } from './crowd.ts';
import type { Drill } from './drills.ts';
import { conclude } from './outcome.ts';
import type { Venue } from './venue.ts';

type Login = Record<'host' | 'dbname' | 'username' | 'password', string> & { port: number };

/**
 * The passwords of both users of PostgreSQL and the key of invites are replaced while users act. The steps for a password are those of the
 * function that AWS provides. The cache has no password.
 */
export const rotation: Drill = async (venue, crowd, say) => {
  const failedAt = Date.now();
  await crowd.allConfirmed();
  await rotatePassword(venue, crowd, say, 'rollcall_functions');
  await rotatePassword(venue, crowd, say, 'rollcall');
  await rotateInviteKey(venue, crowd, say);
  const recovery = { 'activities are confirmed': await crowd.allConfirmed() };
  return conclude(venue, crowd, { recovery, failedAt });
};

async function rotatePassword(venue: Venue, crowd: Crowd, say: (line: string) => void, user: string): Promise<void> {
  const { current, pending } = venue.stack.secrets;
  const [arn, text] = [...current].find(([, value]) => value.includes(`"username":"${user}"`))!;
  const login = JSON.parse(text) as Login;
  const next = { ...login, password: randomBytes(16).toString('hex') };
  pending.set(arn, JSON.stringify(next));
  await withLogin(login, (client) => client.query(`ALTER ROLE ${user} PASSWORD '${next.password}'`));
  say(`${user}: PostgreSQL has the next password, and the secret has it as pending`);
  // Open connections go on; new ones need the pending password.
  await crowd.allConfirmed();
  await endIdleConnections(venue, next);
  await crowd.allConfirmed();
  const joined = await crowd.newcomer(`during-${user}`);
  say(`${user}: connections were closed; a user joined over new ones after ${joined} ms`);
  await withLogin(next, (client) => client.query('SELECT 1'));
  current.set(arn, JSON.stringify(next));
  pending.delete(arn);
  await endIdleConnections(venue, next);
  await crowd.allConfirmed();
  const refused = await withLogin(login, (client) => client.query('SELECT 1')).catch(({ code }) => code);
  if (refused !== '28P01') throw new Error(`The old password of ${user} still works: ${refused}.`);
  if (user === 'rollcall') {
    const url = new URL(venue.postgres.url);
    url.password = next.password;
    venue.postgres = { ...venue.postgres, url: url.href };
  }
  say(`${user}: the next password is the current one, and the old one is refused`);
}

/** Closes the connections of the functions that run no statement, so that the functions open new ones. */
async function endIdleConnections(venue: Venue, login: Login): Promise<void> {
  const own = JSON.parse(
    [...venue.stack.secrets.current.values()].find((value) => value.includes('rollcall_functions'))!,
  );
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND state = 'idle' AND pid <> pg_backend_pid()`;
  await withLogin(login.username === 'rollcall_functions' ? login : own, (client) => client.query(end));
}

async function withLogin<T>({ username, ...login }: Login, work: (client: Client) => Promise<T>): Promise<T> {
  const { host, port, dbname: database, password } = login;
  const client = new Client({ host, port, database, user: username, password });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function rotateInviteKey(venue: Venue, crowd: Crowd, say: (line: string) => void): Promise<void> {
  const { current } = venue.stack.secrets;
  const [arn] = [...current].find(([name]) => name.includes('InviteSecret'))!;
  const { owner, sessionId } = crowd.rooms[0]!;
  const terms = { type: 'invite_create', sessionId, role: 'viewer', expiresInSeconds: 3600 };
  const open = (await owner.expect('invite_created', terms)).invite;
  current.set(arn, randomBytes(32).toString('hex'));
  const ended = await venue.stack.endEnvironments(1);
  say(`the key of invites is another one; ${ended} execution environments were replaced`);
  await crowd.allConfirmed();
  const made = (await owner.expect('invite_created', terms)).invite;
  const status = async (invite: string) => {
    const { guest, refusal } = await crowd.knock(invite);
    guest?.cut();
    return refusal;
  };
  const [before, after] = [await status(open), await status(made)];
  if (before !== 403 || after !== undefined) throw new Error(`Invites: the old one ${before}, the new one ${after}.`);
  say('an invite of the old key is refused with 403, and one of the new key lets a guest in');
}
