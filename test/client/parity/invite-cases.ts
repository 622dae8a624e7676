import { createBy, entriesOf, kindOf, type ParityCase, stageOf, tell } from './cases.ts';

const day = 86_400_000;

export const inviteCases: ParityCase[] = [
  {
    title: '[SE7] an invite is revoked once, and an unknown one is refused',
    async run(side) {
      const { owner, sessionId, inviteId } = await stageOf(side);
      const revoke = (id: string) => tell(owner, 'invite_revoke', { sessionId, inviteId: id });
      const answers = [await revoke(inviteId), await revoke(inviteId), await revoke(crypto.randomUUID())];
      const entries = await entriesOf(owner, sessionId);
      return [answers, entries.filter(([type]) => type === 'invite_revoked').length];
    },
    expected: [['ack', 'ack', 'INVITE_INVALID'], 1],
  },
  {
    title: '[SE7] an invite that is expired, used up, revoked or for another session lets nobody in',
    async run(side) {
      const owner = await side.connect('Ada');
      const sessionId = await createBy(owner);
      const otherId = await createBy(owner);
      const make = async (terms: object, id = sessionId) =>
        owner.ask('invite_create', { sessionId: id, role: 'viewer', ...terms });
      const once = await make({ maxUses: 1 });
      const short = await make({ expiresInSeconds: 60 });
      const revoked = await make({});
      const foreign = await make({}, otherId);
      await owner.ask('invite_revoke', { sessionId, inviteId: revoked.inviteId });
      const guest = await side.connect('Gus', { invite: short.invite });
      await side.wait(60_000);
      const join = async (name: string, invite: string) =>
        tell(await side.connect(name), 'session_join', { sessionId, invite });
      const answers = [
        await join('Bob', once.invite),
        await join('Cleo', once.invite),
        await join('Dan', short.invite),
        await join('Eve', revoked.invite),
        await join('Finn', foreign.invite),
        await join('Gina', 'no-invite'),
        await tell(guest, 'session_join', { sessionId }),
      ];
      return [answers, (await entriesOf(owner, sessionId)).filter(([type]) => /used|refused/.test(type))];
    },
    expected: [
      [
        ...['session_joined', 'INVITE_INVALID', 'INVITE_EXPIRED', 'INVITE_INVALID', 'INVITE_INVALID', 'INVITE_INVALID'],
        'INVITE_EXPIRED',
      ],
      [
        ['invite_used', { role: 'viewer' }],
        ...['used_up', 'expired', 'revoked', 'unknown', 'forged', 'expired'].map((reason) => [
          'invite_refused',
          { reason },
        ]),
      ],
    ],
  },
  {
    title: '[SE7] a user with access of their own joins with a bad invite, too, and the audit trail says so',
    async run(side) {
      const { owner, member, stranger, sessionId, inviteId, invite } = await stageOf(side, { isPublic: true });
      await owner.ask('invite_revoke', { sessionId, inviteId });
      const answers = [
        await tell(stranger, 'session_join', { sessionId, invite }),
        await tell(member, 'session_join', { sessionId, invite: 'no-invite' }),
      ];
      return [answers, (await entriesOf(owner, sessionId)).filter(([type]) => type === 'invite_refused')];
    },
    expected: [
      ['session_joined', 'session_joined'],
      [
        ['invite_refused', { reason: 'revoked' }],
        ['invite_refused', { reason: 'forged' }],
      ],
    ],
  },
  {
    title: '[SE7] [SE8] an invite raises a role, but not above a later decision of the owner, and not after a removal',
    async run(side) {
      const { owner, member, removed, sessionId, invite } = await stageOf(side);
      const higher = await owner.ask('invite_create', { sessionId, role: 'operator' });
      await side.wait(1000);
      const roleOf = async (wire = member, token = higher.invite) => {
        const answer = await wire.ask('session_join', { sessionId, invite: token });
        return answer['role'] ?? kindOf(answer);
      };
      const roles = [await roleOf(), await roleOf(member, invite)];
      await owner.ask('participant_role', { sessionId, userId: member.userId, role: 'viewer' });
      roles.push(await roleOf());
      const newer = await owner.ask('invite_create', { sessionId, role: 'commenter' });
      roles.push(await roleOf(removed, invite), await roleOf(removed, newer.invite));
      await side.wait(1000);
      const newest = await owner.ask('invite_create', { sessionId, role: 'commenter' });
      roles.push(await roleOf(member, newest.invite));
      return roles;
    },
    expected: ['operator', 'operator', 'viewer', 'INVITE_INVALID', 'commenter', 'commenter'],
  },
  {
    title: '[SE8] who joins a public session again after a removal gets no earlier role back with an older invite',
    async run(side) {
      const { owner, member, sessionId, invite } = await stageOf(side, { isPublic: true }, 'operator');
      const { invite: another } = await owner.ask('invite_create', { sessionId, role: 'commenter' });
      const secret = crypto.randomUUID();
      const guest = await side.connect('Bob', { invite: another, secret });
      await guest.ask('session_join', { sessionId });
      await side.wait(1000);
      await owner.ask('participant_remove', { sessionId, userId: member.userId });
      const roles = [];
      for (const fields of [{}, { invite }, { guest: { invite: another, secret } }]) {
        await side.wait(1000);
        roles.push((await member.ask('session_join', { sessionId, ...fields }))['role']);
      }
      return roles;
    },
    expected: ['viewer', 'viewer', 'viewer'],
  },
  {
    title: '[SE7] an invite to a session that expired says so, and one to an ended session that it is over',
    async run(side) {
      const owner = await side.connect('Ada');
      const ended = await createBy(owner);
      const silent = await createBy(owner);
      const make = async (sessionId: string) =>
        (await owner.ask('invite_create', { sessionId, role: 'viewer' })).invite;
      const invites = [await make(ended), await make(silent)];
      await owner.ask('session_end', { sessionId: ended });
      await owner.ask('session_leave', { sessionId: silent });
      const early = await side.connect('Bob');
      const join = (sessionId: string, invite?: string) => tell(early, 'session_join', { sessionId, invite });
      const answers = [await join(ended, invites[0])];
      await side.wait(day / 12);
      answers.push(
        await join(silent, invites[1]),
        await join(silent),
        await tell(owner, 'session_join', { sessionId: silent }),
      );
      return answers;
    },
    expected: ['SESSION_INACTIVE', 'INVITE_EXPIRED', 'SESSION_NOT_FOUND', 'SESSION_INACTIVE'],
  },
];
