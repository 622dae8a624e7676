import { setTimeout as pause } from 'node:timers/promises';
import { testAddresses } from '../support/addresses.ts';
import { joinOf, stayPresent } from '../support/presence-frames.ts';
import { call, callOnce, createKey, type ServerAnswer } from '../support/server-api.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { StoreGate } from '../support/store-gate.ts';
import { timeLimits } from '../support/time-limits.ts';

const connections = new StoreGate(testAddresses.dynamodb);
let stack: TestStack;
let key: { secret: string; id: string };

beforeAll(async () => {
  await connections.open();
  const dynamodbEndpoint = connections.url.replace(/\/$/, '');
  stack = await startTestStack({}, { backing: { dynamodbEndpoint } });
  key = await createKey(stack, ['agents', 'broadcast', 'remove', 'sessions:read']);
});
afterAll(async () => {
  await stack.close();
  await connections.shut();
});

/** What the server API answers while a store is away; then each request is repeated. */
const tables = {
  redis: { list: 200, read: 200, people: 503, event: 503, renew: 503, join: 503, end: 503, remove: 200 },
  database: { list: 503, read: 503, people: 503, event: 503, renew: 200, join: 503, end: 200, remove: 503 },
  connections: { list: 200, read: 200, people: 200, event: 200, renew: 200, join: 503, end: 503, remove: 503 },
} as const;

test.each(Object.entries(tables))(
  '[SA5] [SA7] while %s is away a request of a program succeeds or gets 503, and a repeat completes it',
  async (store, table) => {
    const { owner: ada, session } = await stack.host('ada', { isPublic: true });
    const sessionId = session.id;
    const bob = await stack.arrive('bob');
    await bob.expect('session_joined', { type: 'session_join', sessionId });
    for (const person of [ada, bob]) await stayPresent(person, sessionId);
    const agent = (name: string) => `/server/sessions/${sessionId}/agents/${name}`;
    const agentIds: Record<string, string> = {};
    for (const name of ['steady', 'short']) {
      const { body } = await call(stack, `PUT ${agent(name)}`, { as: key.secret, body: { leaseSeconds: 600 } });
      agentIds[name] = (body['agent'] as { userId: string }).userId;
      await joinOf(ada, agentIds[name]);
    }
    const requests: Record<keyof typeof table, [route: string, body?: object]> = {
      list: ['GET /server/sessions'],
      read: [`GET /server/sessions/${sessionId}`],
      people: [`GET /server/sessions/${sessionId}/people`],
      event: [`POST /server/sessions/${sessionId}/events`, { event: 'x' }],
      renew: [`PUT ${agent('steady')}`, { leaseSeconds: 600, activity: 'on', data: { step: 1 } }],
      join: [`PUT ${agent('late')}`, { leaseSeconds: 600 }],
      end: [`DELETE ${agent('short')}`],
      remove: [`DELETE /server/sessions/${sessionId}/people/${bob.userId}`],
    };
    const asked = Object.keys(requests) as (keyof typeof table)[];
    const gate = store === 'connections' ? connections : stack.stores[store as 'redis' | 'database'];
    await gate.shut();
    const answers: Partial<Record<keyof typeof table, ServerAnswer>> = {};
    for (const name of asked) {
      const [route, body] = requests[name];
      answers[name] = await callOnce(stack, route, { as: key.secret, body });
    }
    await gate.open();
    expect(Object.fromEntries(asked.map((name) => [name, answers[name]!.status]))).toEqual(table);
    for (const { status, body } of Object.values(answers)) {
      if (status !== 503) continue;
      expect(body).toEqual({
        code: 'UNAVAILABLE',
        retryable: true,
        message: expect.stringMatching(/^[^\n]{10,200}\.$/),
      });
      expect(body['message']).not.toMatch(/redis|postgres|dynamo|econn|127\.0|select/i);
    }
    for (const name of asked) {
      const [route, body] = requests[name];
      expect([name, (await call(stack, route, { as: key.secret, body })).status]).toEqual([name, 200]);
    }
    // The sweep finishes what an attempt during the outage began.
    const present = async () => {
      const { users } = await ada.expect('presence_state', { type: 'presence_sync', sessionId });
      return users.map(({ username }) => username.toLowerCase()).sort();
    };
    await until(present, ['ada', 'late', 'steady']);
    const names = new Map(
      Object.entries({ ...agentIds, ada: ada.userId, bob: bob.userId }).map(([who, id]) => [id, who]),
    );
    const entries = async () =>
      (await stack.audit(sessionId))
        .filter(({ activity_type }) => /^(user|participant)_/.test(activity_type))
        .map(({ activity_type, user_id, details }) =>
          [activity_type, names.get(user_id ?? '') ?? '', details['cause'], details['keyId'] === key.id].join(' '),
        )
        .sort();
    await until(entries, [
      'participant_removed   true',
      ...['user_joined   true', 'user_joined ada  false', 'user_joined bob  false'],
      ...['user_joined short  true', 'user_joined steady  true'],
      ...['user_left bob removed false', 'user_left short agent_ended true'],
    ]);
  },
);

/** Waits until a value is as expected, and fails with the difference if it does not become so. */
async function until(read: () => Promise<string[]>, expected: string[]): Promise<void> {
  const latest = Date.now() + timeLimits.event;
  for (;;) {
    const value = await read();
    if (value.join('\n') === expected.join('\n')) return;
    if (Date.now() > latest) return expect(value).toEqual(expected);
    await pause(100);
  }
}
