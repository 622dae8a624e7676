import { findFigures } from '../../../lambdas/flows/figures/find-figures.ts';
import { SweepFigures } from '../../../lambdas/flows/figures/sweep-figures.ts';
import type { Visit } from '../../../lambdas/flows/presence/visit-sessions.ts';
import { testServices } from '../../support/test-services.ts';

const start = Date.UTC(2026, 4, 4);
const view = { sweeps: 1, dollarsPerHour: 2, restraint: 1 };

/** A sweep's figures on stores that note each call. */
function sweepOn(more: Record<string, unknown> = {}) {
  const calls: [string, ...unknown[]][] = [];
  const noting =
    (name: string, answer?: unknown) =>
    async (...parameters: unknown[]) => {
      calls.push([name, ...parameters]);
      return answer;
    };
  const figures = {
    ...{ writeSessions: noting('writeSessions'), addCounters: noting('addCounters'), writeFound: noting('writeFound') },
    ...{ lastFound: noting('lastFound', start), forgetOld: noting('forgetOld') },
    present: noting('present', { activeSessions: 1, activeUsers: 2, online: 1 }),
    movements: noting('movements', { joins: 0, leaves: {} }),
    rows: noting('rows', []),
    ...more,
  };
  const errors: unknown[] = [];
  const log = {
    debug() {},
    info() {},
    warn: (...line: unknown[]) => errors.push(line),
    error: (...line: unknown[]) => errors.push(line),
  };
  const services = testServices({
    ...{ figures, log, clock: () => start },
    redis: { info: async () => 'connected_clients:7\r\n' },
    watchers: { now: async () => ['a', 'b'], remove: noting('remove') },
    broadcaster: { broadcast: noting('broadcast', { gone: ['b'] }) },
  });
  const made = new SweepFigures(services);
  /** The names of the calls so far, each once. */
  const callsYet = async () => {
    await new Promise(setImmediate);
    return [...new Set(calls.map(([called]) => called))];
  };
  /** The calls of one kind, after everything was written. */
  const of = async (name: string) => {
    await made.end();
    return calls.filter(([called]) => called === name);
  };
  return { made, of, callsYet, errors };
}

const visit: Visit = {
  ...{ next: undefined, lastSeenUpdates: [], spending: { received: 0, sent: 0, pace: undefined } },
  ...{ present: { people: 3, online: 2 }, timeouts: 1, redisMillis: 2 },
};

test('[OP1] ten thousand visits of ten seconds are two statements', async () => {
  const { made, of } = sweepOn();
  for (let n = 0; n < 10_000; n += 1) {
    made.visited(`session ${n}`, visit);
    made.metered(`session ${n}`, 10, 4);
  }
  made.tick(start + 9999, undefined);
  made.tick(start + 10_000, undefined);
  const [written, ...others] = (await of('writeSessions')).filter(([, sessions]) => (sessions as unknown[]).length > 0);
  expect(others).toEqual([]);
  expect(written![1]).toHaveLength(10_000);
  expect((written![1] as unknown[])[0]).toEqual({
    sessionId: 'session 0',
    people: 3,
    online: 2,
    dollars: expect.any(Number),
  });
  expect(await of('addCounters')).toEqual([
    [
      'addCounters',
      start,
      {
        ...{
          visits: 10_000,
          failedVisits: 0,
          redisMillis: 20_000,
          timeouts: 10_000,
          received: 100_000,
          posted: 40_000,
        },
        // Three people: each message would go to two others.
        ...{ fanOut: 200_000, sweepLag: 0 },
      },
    ],
  ]);
});

test('[OP1] only the leading sweep looks into the stores, and posts when all sweeps have written', async () => {
  const other = sweepOn();
  other.made.tick(start + 10_000, undefined);
  other.made.tick(start + 13_000, undefined);
  expect(await other.of('writeFound')).toEqual([]);
  expect(await other.of('broadcast')).toEqual([]);

  const leader = sweepOn();
  leader.made.tick(start + 10_000, view);
  leader.made.tick(start + 11_900, view);
  // A join of the slot may reach the audit trail after the end of the slot.
  expect(await leader.callsYet()).toEqual(['writeSessions']);
  leader.made.tick(start + 12_000, view);
  leader.made.tick(start + 13_000, view);
  expect(await leader.of('writeFound')).toMatchObject([
    ['writeFound', start, { ...view, activeUsers: 2, redisConnections: 7 }],
  ]);
  expect(await leader.of('broadcast')).toMatchObject([
    ['broadcast', ['a', 'b'], { type: 'figures', figures: { at: start } }, {}],
  ]);
  expect(await leader.of('remove')).toEqual([['remove', ['b']]]);
  expect(leader.errors).toEqual([]);
});

test('[OP1] a leading sweep that ends after a slot publishes its figures first', async () => {
  const { made, of } = sweepOn();
  made.tick(start + 10_000, view);
  expect(await of('writeFound')).toHaveLength(1);
  expect(await of('broadcast')).toHaveLength(1);
});

test('[OP1] figures that cannot be written are logged, and the sweep goes on with the next ones', async () => {
  let failures = 1;
  const addCounters = async () => {
    if (failures-- > 0) throw new Error('PostgreSQL is away.');
  };
  const { made, of, errors } = sweepOn({ addCounters });
  made.visited('one', visit);
  made.tick(start + 10_000, undefined);
  made.failed();
  made.tick(start + 20_000, undefined);
  expect(await of('writeSessions')).toHaveLength(3);
  expect(errors).toHaveLength(1);
});

test('[OP1] the first slot also has the movements before it, such as the join that started the sweep', async () => {
  const periods: [from: number, to: number][] = [];
  const figures = {
    ...{ lastFound: async () => undefined, forgetOld: async () => {}, sessionsByStatus: async () => ({}) },
    present: async () => ({ activeSessions: 1, activeUsers: 1, online: 1 }),
    async movements(from: number, to: number) {
      periods.push([from, to]);
      return { joins: 1, leaves: {} };
    },
  };
  const services = testServices({
    figures,
    redis: { info: async () => 'connected_clients:7\r\n' },
    sweepActivity: { outboxBacklog: async () => ({ depth: 0 }) },
    sweepDatabase: { query: async () => ({ rows: [{ total: 1, active: 1, recent: 1 }] }) },
    timings: { sessionTimeoutMillis: 1000 },
  });
  await findFigures(services, start, start + 10_000, view);
  expect(periods).toEqual([[start - 600_000, start + 10_000]]);
});
