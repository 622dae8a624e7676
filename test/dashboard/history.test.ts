import { formatNumber, formatSeconds, formatWithUnit } from '../../dashboard/data/format.ts';
import { type History, lastKnown, sumOf, withFigures } from '../../dashboard/data/history.ts';
import { sections } from '../../dashboard/figures/cards.ts';
import { plotDataOf, withGaps } from '../../dashboard/figures/plot-data.ts';
import { type FigureRow, figuresOf, seriesOf } from '../../lambdas/figures/figure-rows.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';

const start = 1_700_000_000_000;
const counters = {
  visits: 4,
  failedVisits: 0,
  redisMillis: 2,
  timeouts: 1,
  received: 3,
  posted: 6,
  fanOut: 12,
  sweepLag: 5,
};
const found = {
  ...{ activeUsers: 5, activeSessions: 2, online: 4, joins: 2, leaves: { left: 1 }, dollarsPerHour: 0.5, restraint: 1 },
  ...{ sweeps: 1, redisConnections: 9, outboxDepth: null, sessions: null, cleanup: null },
};
const row = (slot: number, changes: Partial<FigureRow> = {}): FigureRow => ({
  ...{ at: start + slot * 10_000, ...counters, found },
  ...changes,
});
const figures = (slot: number, changes: Partial<FigureRow> = {}): ServiceFigures =>
  figuresOf(start + slot * 10_000, 10, [row(slot, changes)]);
const history = (...items: ServiceFigures[]): History => ({
  ...{ from: start, to: start + 600_000, stepSeconds: 10, items },
});
const cardOf = (id: string) => sections.flatMap(({ cards }) => cards).find((card) => card.id === id)!;

test('figures of the socket make the same history as a later answer of the service', () => {
  const failed = { found: null, visits: 0, failedVisits: 2 };
  const rows = [row(0), row(1), row(3, { found: null }), row(4, failed)];
  const live = rows.map((each) => figuresOf(each.at, 10, [each]));
  const empty: History = { from: start, to: start, stepSeconds: 10, items: [] };
  const known = [...live, live[1]!].reduce((before, each) => withFigures(before, each, 3600), empty);
  expect(known.items).toEqual(seriesOf(rows, 10));
  const nothing = figuresOf(start + 50_000, 10, []);
  expect(withFigures(known, nothing, 3600).items).toEqual(known.items);
  expect(withFigures(known, figures(5), 30).items.map(({ at }) => at)).toEqual([
    start + 30_000,
    start + 40_000,
    start + 50_000,
  ]);
});

test('without a leading sweep, the number of people is not known, and it is not shown as 0', () => {
  const headless = figures(2, { found: null });
  expect(headless.activeUsers).toBe(0);
  const { main } = cardOf('people');
  expect(main.of(headless)).toBeNull();
  const known = lastKnown({ items: [figures(1), headless], to: start + 30_000 }, main.of);
  expect(known).toEqual({ value: 5, at: start + 10_000 });
  expect(lastKnown({ items: [figures(1)], to: start + 600_000 }, main.of)).toBeUndefined();
});

test('a card of counts shows their sum over the period, and leaves have a line for each cause', () => {
  const given = history(figures(0), figures(1, { found: { ...found, leaves: { timeout: 2 } } }));
  const { main, lines } = cardOf('movements');
  expect(sumOf(given, main.of)).toBe(4);
  const data = plotDataOf({ lines, unit: 'people' }, given);
  expect(data.labels).toEqual(['joins', 'leaves: left', 'leaves: timed out']);
  expect(data.values).toEqual([
    [2, 2],
    [1, 0],
    [0, 2],
  ]);
  expect(sumOf({ items: [] }, main.of)).toBeNull();
});

test('points that are far apart are not joined, and steps without the figure are left out', () => {
  const given = history(figures(0), figures(1), figures(40), figures(41, { visits: 0 }));
  const data = plotDataOf(cardOf('latency'), given);
  expect(data.times).toEqual([0, 1, 40].map((slot) => start + slot * 10_000));
  const [xs, ys] = withGaps(data, 10);
  expect(xs).toEqual([0, 10, 205, 400].map((seconds) => start / 1000 + seconds));
  expect(ys).toEqual([0.5, 0.5, null, 0.5]);
});

test('each card has a title, a sentence and an id of its own, and the six metrics have their names', () => {
  const cards = sections.flatMap((section) => section.cards);
  expect(new Set(cards.map(({ id }) => id)).size).toBe(cards.length);
  for (const { about } of cards) expect(about).toMatch(/\.$/);
  expect(cards.flatMap(({ metric }) => metric ?? []).sort()).toEqual([
    ...['activeSessions', 'activeUsers', 'averageLatency', 'errorRate', 'heartbeatsMissed', 'redisConnections'],
  ]);
});

test('numbers have their units, and a figure that is not known is no 0', () => {
  expect([0, 0.00123456, 12.345, 1234.5].map(formatNumber)).toEqual(['0', '0.00123', '12.3', '1,235']);
  expect([formatWithUnit(1, 'people'), formatWithUnit(2, 'people'), formatWithUnit(0.25, 'dollars')]).toEqual([
    ...['1 person', '2 people', '$0.25 per hour'],
  ]);
  expect([formatWithUnit(null, 'percent'), formatWithUnit(99.5, 'percent')]).toEqual(['–', '99.5 %']);
  expect([0, 59, 60, 3600, 3660, 90_000].map(formatSeconds)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '1 h',
    '1 h 1 min',
    '1 d 1 h',
  ]);
});
