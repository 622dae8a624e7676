import { type FigureRow, type Found, figuresOf, seriesOf } from '../../lambdas/figures/figure-rows.ts';

const found: Found = {
  ...{ activeUsers: 5, activeSessions: 2, online: 4, joins: 3, leaves: { left: 1 }, dollarsPerHour: 0.5, restraint: 1 },
  ...{ sweeps: 1, redisConnections: 7, outboxDepth: null, sessions: null, cleanup: null },
};
const row = (at: number, more: Partial<FigureRow> = {}): FigureRow => ({
  ...{
    at,
    visits: 10,
    failedVisits: 0,
    redisMillis: 20,
    timeouts: 1,
    received: 100,
    posted: 30,
    fanOut: 400,
    sweepLag: 5,
  },
  found,
  ...more,
});

test('[OP1] the figures of a period are sums of counts, and the last of what is a state', () => {
  const later: Found = {
    ...found,
    activeUsers: 3,
    online: 3,
    joins: 1,
    leaves: { left: 1, timeout: 2 },
    redisConnections: null,
  };
  const figures = figuresOf(0, 20, [row(0), row(10_000, { failedVisits: 10, sweepLag: 2, found: later })]);
  expect(figures).toMatchObject({
    ...{
      at: 0,
      seconds: 20,
      activeUsers: 3,
      activeSessions: 2,
      online: 3,
      away: 0,
      joins: 4,
      leaves: { left: 2, timeout: 2 },
    },
    ...{
      averageLatency: 2,
      heartbeatsMissed: 2,
      redisConnections: 7,
      received: 200,
      posted: 60,
      savedShare: 92.5,
      sweepLag: 5,
    },
    outboxDepth: null,
  });
  expect(figures.errorRate).toBeCloseTo((100 * 10) / 30);
});

test('[OP1] a period without a sweep has no shares and nobody present', () => {
  expect(figuresOf(0, 10, [])).toMatchObject({
    ...{ activeUsers: 0, activeSessions: 0, averageLatency: null, errorRate: null, savedShare: null, sweeps: 0 },
  });
});

test('[OP1] steps of a series begin at whole multiples of the step, and steps without rows are left out', () => {
  const series = seriesOf([row(60_000), row(70_000), row(120_000)], 30);
  expect(series.map(({ at, seconds, received }) => [at, seconds, received])).toEqual([
    [60_000, 30, 200],
    [120_000, 30, 100],
  ]);
});
