import { type AccessClaim, claimedRole } from '../../../protocol/access-claim.ts';
import type { PresenceUser, Session } from '../../../protocol/entities.ts';
import { isUuid } from '../../../protocol/uuid.ts';
import { isAway } from '../../platform/unavailable.ts';
import { isUnknown } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announce } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { askerOf, type Program } from './program.ts';

/**
 * The session of a reference, if the key of the program covers it (rule SA3).
 *
 * @throws RollcallError SESSION_NOT_FOUND, the same for a session that does not exist and one that the key does not cover;
 *   SESSION_INACTIVE for one that ended or expired, unless `evenEnded`.
 */
export async function sessionFor(
  services: Services,
  program: Program,
  reference: string,
  options: { evenEnded?: boolean } = {},
): Promise<Session> {
  return (await services.sessions.authorize(reference, askerOf(program), 'operate', options)).session;
}

/**
 * The same while PostgreSQL is away, for a key that covers all sessions. So an agent that is present can be renewed (rule FA3). Redis and
 * the connection table have only sessions that have not ended.
 */
export async function sessionOrPlace(
  services: Services,
  program: Program,
  reference: string,
  options: { evenEnded?: boolean } = {},
): Promise<Pick<Session, 'id'>> {
  try {
    return await sessionFor(services, program, reference, options);
  } catch (error) {
    if (!isAway(error, 'database') || !isUuid(reference) || !program.key.sessions.includes('*')) throw error;
    return { id: reference.toLowerCase() };
  }
}

/**
 * A page of the sessions that the key covers, the newest first.
 *
 * @param page `key`: only those of this key of the application; with `*` at its end, of all keys that begin with it.
 */
export async function listForProgram(
  services: Services,
  program: Program,
  {
    key,
    ...page
  }: { key?: string | undefined; limit?: number | undefined; before?: string | undefined; maxBytes: number },
): Promise<{ items: Session[]; next?: string }> {
  const { userId, claim } = askerOf(program);
  if (key === undefined) return services.sessions.listSessionsOf({ userId, claim }, page);
  const covered = claim ? coveredBy(claim, key) : {};
  if (Object.keys(covered).length === 0) return { items: [] };
  return services.sessions.listSessionsOf({ userId, claim: covered }, page);
}

/** What a claim covers of a key, or of all keys that begin with it (`doc-*`): the whole, or those of its own names that begin so. */
function coveredBy(claim: AccessClaim, key: string): AccessClaim {
  const role = claimedRole(claim, key);
  if (role !== undefined) return { [key]: role };
  const begin = key.endsWith('*') ? key.slice(0, -1) : undefined;
  return Object.fromEntries(Object.entries(claim).filter(([name]) => begin !== undefined && name.startsWith(begin)));
}

/**
 * Who is present in a session: the same entries as in the snapshot of a client, invisible users and all cursors included. Overdue
 * users leave first, so it does not contain them (rule PR6).
 *
 * @throws RollcallError UNAVAILABLE while Redis is away.
 */
export async function peopleOf(services: Services, { id }: Session): Promise<PresenceUser[]> {
  const { store } = services.presence;
  const list = () => store.list(id, services.clock());
  let listed = await list();
  if (!listed || isUnknown(listed)) {
    await rebuildSession(services, id, { onlyIfLost: true });
    listed = await list();
  }
  if (!listed) return [];
  if (listed.leaves.length > 0) await scheduleVisit(services, id, services.clock());
  await announce(services, id, listed);
  return listed.users;
}
