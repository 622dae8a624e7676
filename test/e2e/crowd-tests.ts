import { randomUUID } from 'node:crypto';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { Arrived, TestStack } from '../support/stack.ts';

interface Opening {
  answer: ServerFrame<'session_opened'>;
  /** Whether an earlier request failed. It may have created the session. */
  isRepeated: boolean;
}

/** Retries as a client does, because on a slow machine the database may answer too late. */
async function openInCrowd(person: Arrived, key: string): Promise<Opening> {
  for (let isRepeated = false; ; isRepeated = true) {
    const answer = await person.ask({ type: 'session_open', key, data: { colour: 'teal' } });
    if (answer.type === 'session_opened') return { answer, isRepeated };
    if (answer.type !== 'error' || !answer.retryable) throw new Error(`Expected session_opened, got ${answer.type}`);
  }
}

/**
 * Tests that many users open one key at the same time. Every second one has an access claim.
 *
 * @param crowd how many users; at most `MAX_PARTICIPANTS`.
 */
export function testCrowd(stackOf: () => TestStack, crowd: number, timeout?: number): void {
  const claim = (key: string, index: number) =>
    index % 2 ? ({ 'board/*': 'commenter', [key]: 'operator' } as const) : undefined;

  test(
    `[SE11] [SE12] if ${crowd} users open one key at the same time, one owns the session and all are in it`,
    async () => {
      const stack = stackOf();
      const key = `board/${randomUUID()}`;
      const people = await Promise.all(
        Array.from({ length: crowd }, (_, index) => stack.arrive(`crowd${index}`, claim(key, index))),
      );
      const openings = await Promise.all(people.map((person) => openInCrowd(person, key)));
      expect(new Set(openings.map(({ answer }) => answer.session.id)).size).toBe(1);
      const { id: sessionId, ownerId } = openings[0]!.answer.session;
      const owner = people.find(({ userId }) => userId === ownerId)!;
      for (const [index, { answer, isRepeated }] of openings.entries()) {
        const isOwner = people[index] === owner;
        // The answer to a repeated request of the owner may not tell that the first one created the session.
        if (!isOwner || !isRepeated) expect(answer.created).toBe(isOwner);
        const role = isOwner || claim(key, index) ? 'operator' : 'viewer';
        expect([answer.session.key, answer.session.ownerId, answer.role]).toEqual([key, ownerId, role]);
      }
      const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId });
      expect(users.map(({ userId }) => userId).sort()).toEqual(people.map(({ userId }) => userId).sort());
      expect(users.every(({ data }) => data?.['colour'] === 'teal')).toBe(true);
      const created = (await stack.audit(sessionId)).filter((entry) => entry.activity_type === 'session_created');
      expect(created).toMatchObject([{ user_id: owner.userId }]);
      await Promise.all(people.map((person) => person.close()));
    },
    timeout,
  );
}
