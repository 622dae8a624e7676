import { createBy, entriesOf, kindOf, type ParityCase, tell } from './cases.ts';
import type { Fields, Side, Wire } from './side.ts';

/** A private session with an invite, and a guest who uses it; they have not joined. */
async function guestOf(side: Side, terms: object = {}) {
  const owner = await side.connect('Ada');
  const sessionId = await createBy(owner);
  const { invite, inviteId } = await owner.ask('invite_create', { sessionId, role: 'commenter', ...terms });
  const secret = crypto.randomUUID();
  const guest = await side.connect('Gus', { invite, secret });
  return { owner, sessionId, invite, inviteId, secret, guest, proof: { invite, secret } };
}

/** The role in which a user joins, or the code of the refusal. */
async function roleOf(wire: Wire, fields: object): Promise<string> {
  const answer = await wire.ask('session_join', fields);
  return answer['role'] ?? kindOf(answer);
}

const signIns = async (owner: Wire, sessionId: string) =>
  (await entriesOf(owner, sessionId))
    .filter(([type]) => /guest_signed_in|invite_(used|refused)/.test(type))
    .map(([type, { guestId: _, ...details }]: [string, Fields]) => [type, details]);

const used = ['invite_used', { role: 'commenter' }];
const refused = (reason: string) => ['invite_refused', { reason }];

export const signInCases: ParityCase[] = [
  {
    title: '[SE15] a guest who signs in keeps slot and role, and nobody else can be this guest',
    async run(side) {
      const { owner, sessionId, guest, secret, invite, proof } = await guestOf(side, { maxUses: 1 });
      const [gwen, other] = [await side.connect('Gwen'), await side.connect('Otto')];
      const roles = [await roleOf(guest, { sessionId })];
      const [before] = (await owner.ask('participants_list', { sessionId })).participants.slice(1);
      await side.wait(1000);
      roles.push(
        await roleOf(gwen, { sessionId, guest: proof }),
        await roleOf(gwen, { sessionId, guest: proof }),
        await roleOf(other, { sessionId, guest: proof }),
      );
      const { participants } = await owner.ask('participants_list', { sessionId });
      const after = participants.find(({ userId }: Fields) => userId === gwen.userId);
      const again = await side.connect('Gus', { invite, secret });
      return [
        roles,
        [participants.length, after.joinedAt === before.joinedAt],
        [await tell(guest, 'heartbeat', { sessionId }), await tell(again, 'session_join', { sessionId })],
        guest.heard.filter(({ type }) => type === 'session_removed').map(({ reason }) => reason),
        await signIns(owner, sessionId),
      ];
    },
    expected: [
      ['commenter', 'commenter', 'commenter', 'INVITE_INVALID'],
      [2, true],
      ['NOT_IN_SESSION', 'INVITE_INVALID'],
      ['signed_in'],
      [
        ['invite_used', { role: 'commenter' }],
        ['guest_signed_in', { role: 'commenter' }],
        ['invite_refused', { reason: 'signed_in' }],
        ['invite_refused', { reason: 'signed_in' }],
      ],
    ],
  },
  {
    title:
      '[SE15] a sign-in with a bad proof is refused and changes nothing, and a guest who never joined gives only the invite',
    async run(side) {
      const first = await guestOf(side);
      const gwen = await side.connect('Gwen');
      const join = (fields: object) => roleOf(gwen, { sessionId: first.sessionId, ...fields });
      const answers = [
        await join({ guest: { invite: 'forged', secret: 's' } }),
        await roleOf(first.guest, { sessionId: first.sessionId, guest: first.proof }),
        // The guest never joined: the invite of the guest lets the user in.
        await join({ guest: first.proof }),
      ];
      const second = await guestOf(side);
      await second.guest.ask('session_join', { sessionId: second.sessionId });
      await second.owner.ask('participant_remove', { sessionId: second.sessionId, userId: second.guest.userId });
      answers.push(await roleOf(gwen, { sessionId: second.sessionId, guest: second.proof }));
      const third = await guestOf(side);
      await third.guest.ask('session_join', { sessionId: third.sessionId });
      await third.owner.ask('invite_revoke', { sessionId: third.sessionId, inviteId: third.inviteId });
      answers.push(
        await roleOf(gwen, { sessionId: third.sessionId, guest: first.proof }),
        await roleOf(gwen, { sessionId: third.sessionId, guest: third.proof }),
      );
      const trails = [];
      for (const { owner, sessionId } of [first, second, third]) trails.push(await signIns(owner, sessionId));
      return [answers, trails];
    },
    expected: [
      ['INVITE_INVALID', 'PERMISSION_DENIED', 'commenter', 'INVITE_INVALID', 'INVITE_INVALID', 'INVITE_INVALID'],
      [[used], [used, refused('removed')], [used, refused('unknown'), refused('revoked')]],
    ],
  },
  {
    title: '[SE15] a role or a removal of the guest’s id is one of the user, but not of the owner',
    async run(side) {
      const { owner, sessionId, guest, proof, invite } = await guestOf(side);
      const gwen = await side.connect('Gwen');
      await guest.ask('session_join', { sessionId });
      await gwen.ask('session_join', { sessionId, guest: proof });
      const ownSecret = crypto.randomUUID();
      const ownGuest = await side.connect('Ada', { invite, secret: ownSecret });
      await ownGuest.ask('session_join', { sessionId });
      await owner.ask('session_join', { sessionId, guest: { invite, secret: ownSecret } });
      const about = (type: string, { userId }: Wire, fields: object = {}) =>
        tell(owner, type, { sessionId, userId, ...fields });
      const answers = [
        await about('participant_role', guest, { role: 'operator' }),
        await about('participant_role', ownGuest, { role: 'viewer' }),
      ];
      const { participants } = await owner.ask('participants_list', { sessionId });
      answers.push(
        participants.find(({ userId }: Fields) => userId === gwen.userId).role,
        await about('participant_remove', guest),
        await about('participant_remove', ownGuest),
        await about('participant_remove', owner),
        await roleOf(gwen, { sessionId }),
        await roleOf(owner, { sessionId }),
      );
      const { items } = await owner.ask('activity_query', { sessionId, activityType: 'participant_removed' });
      return [answers, items.map(({ details }: Fields) => details.targetUserId === gwen.userId)];
    },
    expected: [
      ['ack', 'NOT_IN_SESSION', 'operator', 'ack', 'ack', 'PERMISSION_DENIED', 'PERMISSION_DENIED', 'operator'],
      [true],
    ],
  },
  {
    title: '[SE12] an access claim decides alone, also about the owner',
    async run(side) {
      const key = crypto.randomUUID();
      const owner = await side.connect('Ada');
      const { session } = await owner.ask('session_open', { key, metadata: { isPublic: true } });
      const sessionId = session.id;
      const { invite } = await owner.ask('invite_create', { sessionId, role: 'operator' });
      const asViewer = await side.connect('Ada', { userId: owner.userId, claim: { [key]: 'viewer' } });
      const member = await side.connect('Bob', { claim: { [key]: 'commenter' } });
      const foreign = await side.connect('Cleo', { claim: { other: 'operator' } });
      const later = await side.connect('Bob', { userId: member.userId });
      const log = { sessionId, activityType: 'note' };
      return [
        await roleOf(member, { sessionId, invite }),
        await tell(owner, 'participant_role', { sessionId, userId: member.userId, role: 'viewer' }),
        await tell(member, 'activity_log', log),
        await tell(asViewer, 'invite_create', { sessionId, role: 'viewer' }),
        await tell(asViewer, 'activity_log', log),
        await tell(asViewer, 'participants_list', { sessionId }),
        await roleOf(foreign, { sessionId, invite }),
        await tell(foreign, 'participants_list', { sessionId }),
        await tell(foreign, 'session_open', { key }),
        await tell(foreign, 'session_create', { operationId: key }),
        await tell(member, 'session_create', { operationId: key }),
        await tell(owner, 'participant_remove', { sessionId, userId: member.userId }),
        await tell(member, 'activity_log', log),
        await roleOf(later, { sessionId }),
      ];
    },
    expected: [
      'commenter',
      'PERMISSION_DENIED',
      'activity_logged',
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
      'participants',
      'SESSION_NOT_FOUND',
      'SESSION_NOT_FOUND',
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
      'ack',
      'activity_logged',
      'viewer',
    ],
  },
];
