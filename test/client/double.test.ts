import { createTestRollcall, type TestRollcall } from '../../client/testing/index.ts';
import { cases, type Place } from './contract-suite.ts';

let rollcall: TestRollcall;
beforeEach(() => {
  rollcall = createTestRollcall();
});
afterEach(() => rollcall.close());

const stepMillis = 50;
const limitMillis = 30_000;

const place = (): Place => ({
  client: (user, options) => rollcall.client(user, options),
  token: async (user, { sessions, acceptedSeconds } = {}) =>
    rollcall.token(user, { sessions, tokenSeconds: acceptedSeconds }),
  changeNetwork: (client) => rollcall.device(client).tell('network'),
  breakSockets: (client) => rollcall.breakSockets(client),
  async until(condition, what) {
    for (let waited = 0; !condition(); waited += stepMillis) {
      if (waited > limitMillis) throw new Error(`Waited ${limitMillis} virtual milliseconds for ${what}.`);
      await rollcall.advance(stepMillis);
    }
  },
});

describe('[row 37] the in-memory service', () => {
  test.each(cases.map((each) => [each.title, each] as const))('%s', async (_, { run }) => {
    await run(place());
  });
});
