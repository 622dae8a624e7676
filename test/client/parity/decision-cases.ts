import { createBy, entriesOf, kindOf, type ParityCase, stageOf, tell } from './cases.ts';
import type { Side, Wire } from './side.ts';

/** Joins once more. @returns the role, or the code of the refusal. */
async function roleOf(wire: Wire, sessionId: string, fields: object = {}): Promise<string> {
  const answer = await wire.ask('session_join', { sessionId, ...fields });
  return answer['role'] ?? kindOf(answer);
}

/** A session with a guest and an older invite, each for operators. */
async function withGuest(side: Side) {
  const owner = await side.connect('Ada');
  const sessionId = await createBy(owner);
  const make = async () => (await owner.ask('invite_create', { sessionId, role: 'operator' })).invite as string;
  const [older, invite] = [await make(), await make()];
  const secret = crypto.randomUUID();
  const guest = await side.connect('Gus', { invite, secret });
  await guest.ask('session_join', { sessionId });
  await side.wait(1000);
  const decide = (type: string, fields: object = {}) =>
    tell(owner, type, { sessionId, userId: guest.userId, ...fields });
  return { sessionId, older, decide, proof: { guest: { invite, secret } }, user: await side.connect('Gwen') };
}

/** What an invite gives after a decision of the owner. */
export const decisionCases: ParityCase[] = [
  {
    title: '[SE8] after a removal an older invite raises no role, however often the user joins the public session',
    async run(side) {
      const { owner, member, sessionId, invite } = await stageOf(side, { isPublic: true }, 'operator');
      await side.wait(1000);
      await owner.ask('participant_remove', { sessionId, userId: member.userId });
      const roles = [];
      for (const fields of [{ invite }, {}, { invite }]) roles.push(await roleOf(member, sessionId, fields));
      await side.wait(1000);
      const newer = await owner.ask('invite_create', { sessionId, role: 'commenter' });
      roles.push(await roleOf(member, sessionId, { invite: newer.invite }));
      roles.push(await roleOf(member, sessionId, { invite }));
      return [roles, (await entriesOf(owner, sessionId)).filter(([type]) => type === 'invite_refused')];
    },
    expected: [
      ['viewer', 'viewer', 'viewer', 'commenter', 'commenter'],
      Array(3).fill(['invite_refused', { reason: 'removed' }]),
    ],
  },
  {
    title: '[SE8] [SE15] the lower role of a guest stays when they sign in, also with an older invite',
    async run(side) {
      const { sessionId, older, decide, proof, user } = await withGuest(side);
      await decide('participant_role', { role: 'viewer' });
      return [await roleOf(user, sessionId, proof), await roleOf(user, sessionId, { invite: older })];
    },
    expected: ['viewer', 'viewer'],
  },
  {
    title: '[SE8] [SE15] a decision about the id of a guest who signed in is one about the user',
    async run(side) {
      const { sessionId, older, decide, proof, user } = await withGuest(side);
      const answers = [await roleOf(user, sessionId, proof)];
      answers.push(await decide('participant_role', { role: 'viewer' }));
      answers.push(await roleOf(user, sessionId), await roleOf(user, sessionId, { invite: older }));
      answers.push(await decide('participant_remove'));
      const told = user.heard.filter(({ type }) => type === 'session_removed').length;
      return [answers, told, await roleOf(user, sessionId), await roleOf(user, sessionId, { invite: older })];
    },
    expected: [['operator', 'ack', 'viewer', 'viewer', 'ack'], 1, 'PERMISSION_DENIED', 'INVITE_INVALID'],
  },
];
