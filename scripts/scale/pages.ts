import { monthlyCost, totalOf } from '../cost/monthly-cost.ts';
import { firstLimit, limits, shareOf, userCounts, usersAt } from './limits.ts';
import type { CountedLoad } from './loads.ts';
import { drawPlot } from './plot.ts';
import { apiGatewayDollars, crossover, residentDollars } from './resident-gateway.ts';

/** Where the lines of a plot have their points: ten for each power of ten. */
const points = Array.from({ length: 41 }, (_, step) => 10 ** (2 + step / 10));
const whole = (value: number) => Math.round(value).toLocaleString('en-US');
const users = (count: number) => (Number.isFinite(count) ? `${whole(count)} users` : 'any');

function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return '–';
  if (value < 0.1) return '<0.1 %';
  return value < 10 ? `${value.toFixed(1)} %` : `${whole(value)} %`;
}

/** Rows of cells as a table of Markdown, with aligned columns. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length), 3));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    right.includes(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(rows[0]!), `| ${rule.join(' | ')} |`, ...rows.slice(1).map(line)].join('\n');
}

/** What is counted in one room of each load. */
function unitTable(loads: readonly CountedLoad[]): string {
  return table(
    [
      [
        'load',
        'people in a room',
        'movers',
        'updates a second',
        'messages a second',
        'posts a second',
        'scripts a second',
        'waiting functions',
      ],
      ...loads.map(({ name, people, movers, hertz, units }) => [
        name,
        String(people),
        String(movers),
        movers > 0 ? String(hertz) : '–',
        String(units.messages),
        String(units.posts),
        String(units.scripts),
        String(units.waits),
      ]),
    ],
    [1, 2, 3, 4, 5, 6, 7],
  );
}

/** How much of each limit is used; the one that gives in first is bold from there on. */
function shareTable(load: CountedLoad): string {
  return table(
    [
      ['limit', ...userCounts.map(whole), 'carries'],
      ...limits.map((limit) => [
        limit.name,
        ...userCounts.map((count) => {
          const share = shareOf(limit, count, load);
          return share > 1 ? `**${percent(share)}**` : percent(share);
        }),
        users(usersAt(limit, load)),
      ]),
    ],
    [1, 2, 3, 4, 5, 6],
  );
}

function raiseTable(): string {
  return table(
    [
      ['limit', 'at', 'raise'],
      ...limits.map(({ name, most, unit, raise }) => [
        name,
        `${Number(most.toPrecision(3)).toLocaleString('en-US')} ${unit}`,
        raise,
      ]),
    ],
    [],
  );
}

function firstTable(loads: readonly CountedLoad[]): string {
  return table(
    [
      ['load', 'gives in first', 'from', 'then', 'from', 'then', 'from'],
      ...loads.map((load) => {
        const order = limits.toSorted((one, other) => usersAt(one, load) - usersAt(other, load)).slice(0, 3);
        return [load.name, ...order.flatMap((limit) => [limit.name, users(usersAt(limit, load))])];
      }),
    ],
    [2, 4, 6],
  );
}

/** API Gateway and a resident gateway, a month. */
function gatewayTable(loads: readonly CountedLoad[]): string {
  return table(
    [
      [
        'load',
        'users',
        'API Gateway',
        'resident gateway',
        'whole bill now',
        'with a resident gateway',
        'resident from',
      ],
      ...loads.flatMap((load) =>
        userCounts.slice(0, 4).map((count) => {
          const [gateway, resident] = [apiGatewayDollars(count, load), residentDollars(count, load)];
          const bill = totalOf(monthlyCost({ ...load, users: count }, load.units));
          const sums = [gateway, resident, bill, bill - gateway + resident].map((sum) => `$${whole(sum)}`);
          return [load.name, whole(count), ...sums, `${whole(crossover(load))} users`];
        }),
      ),
    ],
    [1, 2, 3, 4, 5, 6],
  );
}

/** The generated parts of `docs/scale.md` by name. */
export function scaleTables(loads: readonly CountedLoad[]): Record<string, string> {
  const shares = Object.fromEntries(loads.map((load) => [`shares of ${load.name}`, shareTable(load)]));
  return {
    units: unitTable(loads),
    first: firstTable(loads),
    raise: raiseTable(),
    ...shares,
    gateways: gatewayTable(loads),
  };
}

/** The plots by file name. */
export function scalePlots(loads: readonly CountedLoad[]): Record<string, string> {
  const plots = loads.map((load) => {
    const first = firstLimit(load);
    const svg = drawPlot({
      title: `Use of the limits, ${load.name} load`,
      description: `Users from 100 to a million against the part of each limit that they use. ${first.name} gives in first, from ${whole(usersAt(first, load))} users.`,
      ...{ xName: 'users at the same time', yName: 'used' },
      ...{ x: [2, 6] as const, y: [-1, 4] as const, label: (value: number) => `${value.toLocaleString('en-US')} %` },
      lines: limits.map((limit) => ({
        name: limit.name.replaceAll('`', ''),
        points: points.map((count) => [count, 100 * shareOf(limit, count, load)] as const),
      })),
      mark: { y: 100, name: 'all of it' },
    });
    return [`scale-${load.name}.svg`, svg] as const;
  });
  const gateways = drawPlot({
    title: 'Cost of the gateway in a month',
    description: `API Gateway against a resident gateway for each load. ${loads.map((load) => `${load.name}: a resident gateway is cheaper from ${whole(crossover(load))} users`).join('; ')}.`,
    ...{ xName: 'users at the same time', yName: 'dollars' },
    ...{ x: [2, 6] as const, y: [0, 7] as const, label: (value: number) => `$${value.toLocaleString('en-US')}` },
    lines: loads.flatMap((load) => [
      {
        name: `API Gateway, ${load.name}`,
        points: points.map((count) => [count, apiGatewayDollars(count, load)] as const),
      },
      { name: `resident, ${load.name}`, points: points.map((count) => [count, residentDollars(count, load)] as const) },
    ]),
  });
  return { ...Object.fromEntries(plots), 'scale-gateways.svg': gateways };
}

/** Replaces the generated parts of a page; each stands between two comments with its name. */
export function withTables(page: string, tables: Record<string, string>): string {
  return Object.entries(tables).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`The page has no place for "${name}": put ${begin} and ${end} into it.`);
    return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
  }, page);
}
