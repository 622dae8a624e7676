import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import { guestIdOf, readInvite } from '../../../lambdas/sessions/invites.ts';
import type { Role, Session } from '../../../protocol/entities.ts';
import { replaceMethods, SessionBed } from '../sessions/session-bed.ts';

let bed: SessionBed;
beforeAll(async () => {
  bed = await SessionBed.start();
});
afterAll(() => bed.close());

/** Services of which a decision is made once, after the slot of a join and before its seat. */
function withGap(decide: () => Promise<unknown>): Services {
  const { presence } = bed.services;
  let isDecided = false;
  const enter = async (...given: Parameters<typeof presence.enter>) => {
    if (!isDecided) {
      isDecided = true;
      await decide();
    }
    return presence.enter(...given);
  };
  return bed.with({ presence: replaceMethods(presence, { enter }) });
}

const changeRole = (owner: Caller, session: Session, { userId }: Caller, role: Role) =>
  bed.flows.changeRole(bed.services, owner, session.id, userId, role);
const remove = (owner: Caller, session: Session, { userId }: Caller) =>
  bed.flows.removeParticipant(bed.services, owner, session.id, userId, undefined);

/** The roles of a user in the stores. */
async function rolesOf(session: Session, { connectionId, userId }: Caller) {
  const [participants, membership, shown] = await Promise.all([
    bed.services.sessions.getParticipants(session.id),
    bed.services.registry.membership(connectionId, session.id),
    bed.shownRole(session, { userId } as Caller),
  ]);
  const stored = participants.find((one) => one.userId === userId)?.role;
  return { stored, membership: membership?.role, shown };
}

const everywhere = (role: Role) => ({ stored: role, membership: role, shown: role });
const nowhere = { stored: undefined, membership: undefined, shown: undefined };

/** What the others were told of the presence of a user, oldest first. */
function toldOf({ userId }: Caller): string[] {
  return bed.posted.flatMap(({ frame }) => {
    if (frame.type !== 'presence_diff') return [];
    const joins = frame.joins.filter((one) => one.userId === userId).map(({ role }) => `joins as ${role}`);
    const updates = frame.updates.filter((one) => one.userId === userId).map(({ role }) => `is ${role}`);
    return [...joins, ...updates];
  });
}

describe('[SE8] a role that is changed between the slot and the seat', () => {
  test('of a join is in the answer, is told, and stays', async () => {
    const { owner, session } = await bed.host();
    const guest = bed.caller('Ada');
    const services = withGap(() => changeRole(owner, session, guest, 'operator'));
    const answer = await bed.flows.joinSession(services, guest, session.id, undefined);
    expect(answer).toMatchObject({ type: 'session_joined', role: 'operator' });
    expect(await rolesOf(session, guest)).toEqual(everywhere('operator'));
    expect(toldOf(guest)).toEqual(['joins as viewer', 'is operator']);
  });

  test('of a second tab stays', async () => {
    const { owner, session } = await bed.host();
    const tab = await bed.join(session);
    const other = bed.caller('Ada', tab.userId);
    await bed.join(
      session,
      other,
      withGap(() => changeRole(owner, session, other, 'operator')),
    );
    expect(await rolesOf(session, tab)).toEqual(everywhere('operator'));
    expect(await rolesOf(session, other)).toEqual(everywhere('operator'));
  });

  test('of a user who returns stays', async () => {
    const { owner, session } = await bed.host();
    const guest = await bed.join(session);
    await changeRole(owner, session, guest, 'operator');
    await bed.services.presence.store.removeFromSession(session.id, guest.userId, 'timeout', Date.now());
    const services = withGap(() => changeRole(owner, session, guest, 'commenter'));
    await bed.heartbeat(session, guest, services);
    expect(await rolesOf(session, guest)).toEqual(everywhere('commenter'));
  });

  test('stays also if it is changed again while the join corrects it', async () => {
    const { owner, session } = await bed.host();
    const guest = bed.caller('Ada');
    const services = withGap(() => changeRole(owner, session, guest, 'operator'));
    const { sessions } = bed.services;
    let asked = 0;
    const getStay = async (...given: Parameters<typeof sessions.getStay>) => {
      const stay = await sessions.getStay(...given);
      asked += 1;
      if (asked === 1) await changeRole(owner, session, guest, 'commenter');
      return stay;
    };
    const racing = bed.with({ presence: services.presence, sessions: replaceMethods(sessions, { getStay }) });
    await bed.join(session, guest, racing);
    expect(await rolesOf(session, guest)).toEqual(everywhere('commenter'));
  });
});

describe('[SE8] a person who is removed between the slot and the seat', () => {
  test('of a join is not in the session, and each entry of their join has its leave', async () => {
    const { owner, session } = await bed.host();
    const guest = bed.caller('Ada');
    const services = withGap(() => remove(owner, session, guest));
    const joining = bed.flows.joinSession(services, guest, session.id, undefined);
    await expect(joining).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await rolesOf(session, guest)).toEqual(nowhere);
    await bed.flows.expireAndRecord(bed.services, session.id, Date.now());
    const own = (await bed.trail(session)).filter(({ userId }) => userId === guest.userId);
    expect(own.map(({ type, cause }) => [type, cause])).toEqual([
      ['user_joined', null],
      ['user_left', 'removed'],
    ]);
  });

  test('of a second tab is not in the session', async () => {
    const { owner, session } = await bed.host();
    const tab = await bed.join(session);
    const other = bed.caller('Ada', tab.userId);
    const services = withGap(() => remove(owner, session, other));
    await expect(bed.join(session, other, services)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await rolesOf(session, other)).toEqual(nowhere);
    expect(await rolesOf(session, tab)).toEqual(nowhere);
  });

  test('of a user who returns is not in the session', async () => {
    const { owner, session } = await bed.host();
    const guest = await bed.join(session);
    await bed.services.presence.store.removeFromSession(session.id, guest.userId, 'timeout', Date.now());
    const services = withGap(() => remove(owner, session, guest));
    await expect(bed.heartbeat(session, guest, services)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await rolesOf(session, guest)).toEqual(nowhere);
  });
});

test('[SE9] nobody takes a seat in a session that ends between their slot and their seat', async () => {
  const { owner, session } = await bed.host();
  const guest = bed.caller('Ada');
  const services = withGap(() => bed.flows.endSession(bed.services, owner, session.id, undefined));
  await expect(bed.join(session, guest, services)).rejects.toMatchObject({ code: 'SESSION_INACTIVE' });
  expect(await rolesOf(session, guest)).toEqual(nowhere);
  expect(await bed.services.presence.store.receivers(session.id)).toEqual([]);
});

test('[SE15] a guest who signs in between the slot and the seat of another join of theirs has no seat as a guest', async () => {
  const { owner, session } = await bed.host();
  const { invite } = await bed.services.invites.createInvite(session.id, owner, { role: 'commenter' });
  const claims = await readInvite(invite, await bed.services.inviteKeys());
  const guest = {
    ...bed.caller('Guest', guestIdOf('secret', claims!.inviteId)),
    guest: { sessionId: session.id, invite },
  };
  await bed.join(session, guest);
  const user = bed.caller('Ada');
  const proof = { guest: { invite, secret: 'secret' } };
  const services = withGap(() => bed.flows.joinSession(bed.services, user, session.id, undefined, proof));
  const tab = { ...guest, connectionId: randomUUID() };
  await expect(bed.join(session, tab, services)).rejects.toMatchObject({ code: 'INVITE_INVALID' });
  expect(await rolesOf(session, tab)).toEqual(nowhere);
  expect(await rolesOf(session, user)).toEqual(everywhere('commenter'));
});

test('[SE3] a slot that is given back between the slot and the seat is taken again', async () => {
  const { session } = await bed.host();
  const guest = bed.caller('Ada');
  const services = withGap(() => bed.services.sessions.leaveSession(session.id, guest.userId, 'left'));
  await bed.join(session, guest, services);
  expect(await rolesOf(session, guest)).toEqual(everywhere('viewer'));
});

test('[FA3] if PostgreSQL is lost between the slot and the seat, the join succeeds', async () => {
  const { session } = await bed.host();
  const guest = bed.caller('Ada');
  const { sessions } = bed.services;
  const getStay = async () => {
    throw new Unavailable('database', new Error(`PostgreSQL is away ${randomUUID()}.`));
  };
  await bed.join(session, guest, bed.with({ sessions: replaceMethods(sessions, { getStay }) }));
  expect(await rolesOf(session, guest)).toEqual(everywhere('viewer'));
});

test('[SE8] a join whose role did not change reads the stay once', async () => {
  const { session } = await bed.host();
  const getStay = jest.spyOn(bed.services.sessions, 'getStay');
  await bed.join(session);
  expect(getStay).toHaveBeenCalledTimes(1);
  getStay.mockRestore();
});
