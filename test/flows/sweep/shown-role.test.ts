import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { MovementWriter } from '../../../lambdas/flows/journal/movement-writer.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import type { Role, Session } from '../../../protocol/entities.ts';
import { replaceMethods, SessionBed } from '../sessions/session-bed.ts';

let bed: SessionBed;
beforeAll(async () => {
  bed = await SessionBed.start();
});
afterAll(() => bed.close());
beforeEach(() => {
  bed.posted.length = 0;
});

/** What a sweep does in a session: visits it, and compares with PostgreSQL who was seen. */
async function sweep(session: Session, services = bed.services, meanwhile?: () => Promise<unknown>): Promise<void> {
  const visit = await bed.flows.visitSession(services, session.id, Date.now(), new MovementWriter(services));
  await meanwhile?.();
  await bed.flows.writeLastSeen(services, visit.lastSeenUpdates);
}

/** Gives a user another role in PostgreSQL only, as an invocation does that is killed after its transaction. */
const setRole = (owner: Caller, session: Session, { userId }: Caller, role: Role) =>
  bed.services.sessions.setRole(session.id, owner, userId, role);

const changeRole = (owner: Caller, session: Session, { userId }: Caller, role: Role) =>
  bed.flows.changeRole(bed.services, owner, session.id, userId, role);

const storedRole = async (session: Session, { connectionId }: Caller) =>
  (await bed.services.registry.membership(connectionId, session.id))?.role;

/** The roles of a user that the others were told, oldest first. */
const toldRoles = ({ userId }: Caller) =>
  bed.posted.flatMap(({ frame }) =>
    frame.type === 'presence_diff' ? frame.updates.filter((one) => one.userId === userId).map(({ role }) => role) : [],
  );

async function roomWithGuest() {
  const { owner, session } = await bed.host();
  const guest = await bed.join(session);
  bed.posted.length = 0;
  return { owner, session, guest };
}

test('[SE8] [FA6] a sweep shows a role that was decided by an invocation that was killed before it told it', async () => {
  const { owner, session, guest } = await roomWithGuest();
  await setRole(owner, session, guest, 'commenter');
  await sweep(session);
  expect(await bed.shownRole(session, guest)).toBe('commenter');
  expect(await storedRole(session, guest)).toBe('commenter');
  expect(toldRoles(guest)).toEqual(['commenter']);
});

test('[SE8] [FA1] a sweep shows a role that was changed while Redis was away', async () => {
  const { owner, session, guest } = await roomWithGuest();
  const { presence } = bed.services;
  const changeInRedis = async () => {
    throw new Unavailable('redis', new Error('Redis is away.'));
  };
  const store = replaceMethods(presence.store, { changeRole: changeInRedis });
  const away = bed.with({ presence: replaceMethods(presence, { store }) });
  await bed.flows.changeRole(away, owner, session.id, guest.userId, 'operator');
  expect(await bed.shownRole(session, guest)).toBe('viewer');
  await sweep(session);
  expect(await bed.shownRole(session, guest)).toBe('operator');
  expect(toldRoles(guest)).toEqual(['operator']);
});

test('a sweep changes and tells nothing if the role was shown between the visit and its check', async () => {
  const { owner, session, guest } = await roomWithGuest();
  await sweep(session, bed.services, () => changeRole(owner, session, guest, 'commenter'));
  await sweep(session);
  expect(toldRoles(guest)).toEqual(['commenter']);
});

test('[SE8] a role that is changed again while a sweep shows it stays', async () => {
  const { owner, session, guest } = await roomWithGuest();
  await setRole(owner, session, guest, 'commenter');
  await sweep(
    session,
    withChangeBeforeShowing(() => changeRole(owner, session, guest, 'operator')),
  );
  expect(await bed.shownRole(session, guest)).toBe('operator');
  expect(await storedRole(session, guest)).toBe('operator');
});

/** Services of which a decision is made once, just before a sweep shows the role that it has read. */
function withChangeBeforeShowing(decide: () => Promise<unknown>): Services {
  const { presence } = bed.services;
  let isDecided = false;
  const changeInRedis = async (...given: Parameters<typeof presence.store.changeRole>) => {
    if (!isDecided) {
      isDecided = true;
      await decide();
    }
    return presence.store.changeRole(...given);
  };
  return bed.with({
    presence: replaceMethods(presence, { store: replaceMethods(presence.store, { changeRole: changeInRedis }) }),
  });
}

test('[SE12] a sweep does not change the role that an access claim gives to a connection', async () => {
  const { session } = await bed.host();
  const guest = bed.caller('Ada');
  await bed.join(session, { ...guest, claim: { '*': 'operator' } });
  await bed.join(session, { ...bed.caller('Ada', guest.userId), claim: { '*': 'viewer' } });
  const first = { ...guest, claim: { '*': 'operator' } } as const;
  await bed.services.presence.enter(session.id, guest.userId, { connectionId: first.connectionId, role: 'operator' });
  bed.posted.length = 0;
  await sweep(session);
  expect(await bed.shownRole(session, guest)).toBe('operator');
  expect(toldRoles(guest)).toEqual([]);
});

test('a user without a slot is still removed, and one with a slot and the shown role stays', async () => {
  const { owner, session, guest } = await roomWithGuest();
  await bed.services.sessions.leaveSession(session.id, guest.userId, 'left');
  const visit = await bed.flows.visitSession(
    bed.services,
    session.id,
    Date.now() + 1000,
    new MovementWriter(bed.services),
  );
  const later = visit.lastSeenUpdates.map((one) => ({ ...one, at: Date.now() + 1000 }));
  await bed.flows.writeLastSeen(bed.services, later);
  expect(await bed.shownRole(session, guest)).toBeUndefined();
  expect(await bed.shownRole(session, owner)).toBe('operator');
});
