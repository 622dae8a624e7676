import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { rebuildSession } from '../../../lambdas/flows/connections/rebuild-session.ts';
import { degradedSnapshot } from '../../../lambdas/flows/presence/degraded-snapshot.ts';
import type { Role } from '../../../protocol/entities.ts';
import { PresenceFixture } from '../../support/presence.ts';
import { connectRedis } from '../../support/redis.ts';
import { testServices } from '../../support/test-services.ts';

let redis: Redis;
let room: PresenceFixture;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

const ann = randomUUID();
const memberOf = (connectionId: string, username: string, role: Role, joinedAt: number) => ({
  ...{ connectionId, sessionId: room.sessionId, sessionName: 'SESSION-20260101-AAAAAAAAAAA1' },
  ...{ userId: ann, username, role, joinedAt },
});

test.each([
  ['first', [1, 2]],
  ['last', [2, 1]],
])(
  '[SE12] a rebuilt user has the name and role of their newest join, wherever the table lists it (%s)',
  async (_, order) => {
    const tabs = order.map((n) =>
      n === 1 ? memberOf('a1', 'Ann', 'viewer', room.now) : memberOf('a2', 'Anna', 'commenter', room.now + 1),
    );
    const services = testServices({
      presence: { store: room.store },
      registry: { members: async () => tabs },
      sessions: { getParticipants: async () => [{ userId: ann }] },
      clock: () => room.now,
    });
    await rebuildSession(services, room.sessionId, { onlyIfLost: true });
    expect(await room.users()).toMatchObject([{ userId: ann, username: 'Anna', role: 'commenter', connections: 2 }]);
    const { users } = await degradedSnapshot(services, tabs[0]!);
    expect(users).toMatchObject([{ userId: ann, username: 'Anna', role: 'commenter', connections: 2 }]);
  },
);
