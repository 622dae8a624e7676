import type { RoomUnits } from './counted-room.ts';
import { type Position, type peerPrices, totalOf, type Usage } from './monthly-cost.ts';

export interface CostFigures {
  usage: Usage;
  room: RoomUnits;
  positions: readonly Position[];
  /** The whole bill if Lambda logs each run, US dollars. */
  withPlatformLogs: number;
  /** The whole bill of naive fan-out, US dollars. */
  naive: number;
  peers: ReturnType<typeof peerPrices>;
}

const dollars = (value: number) => `$${Math.round(value).toLocaleString('en-US')}`;
const figure = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3));

/** The figures as text for a terminal. */
export function costReport({ usage, room, positions, withPlatformLogs, naive, peers }: CostFigures): string {
  const { users, people, movers, hertz, hours } = usage;
  const total = totalOf(positions);
  const rows = positions.map(({ what, amount, dollars: cost }) => [what, figure(amount), cost.toFixed(2)] as const);
  const width = Math.max(...rows.map(([what]) => what.length));
  const line = (what: string, amount: string, cost: string) =>
    `  ${what.padEnd(width)}  ${amount.padStart(9)}  ${cost.padStart(10)}`;
  const messages = positions.slice(0, 2).reduce((sum, each) => sum + each.dollars, 0);
  return [
    `${users.toLocaleString('en-US')} users at the same time, ${people} in a room, of whom ${movers} move at ${hertz} updates a second, ${hours} hours a month.`,
    '',
    `Counted in one room, for a second: ${figure(room.messages)} messages received, ${figure(room.posts)} posts of ${Math.round(room.posts > 0 ? room.postBytes / room.posts : 0)} bytes, ${figure(room.scripts)} scripts in Redis.`,
    '',
    line('AWS, us-east-1, a month', 'amount', 'US dollars'),
    ...rows.map((row) => line(...row)),
    line('sum', '', total.toFixed(2)),
    '',
    `Messages are ${Math.round((100 * messages) / total)} % of it. A user costs ${(total / users).toFixed(2)} dollars a month. What the deployment costs without users comes on top: see docs/deployment.md.`,
    '',
    'The same load',
    `  with platform logs (-c platformLogs=true): ${dollars(withPlatformLogs)}`,
    `  with naive fan-out, one JSON frame for each update and receiver: ${dollars(naive)}`,
    ...peers.map(({ name, dollars: cost, source }) =>
      cost === undefined
        ? `  ${name}: no public price for so many users (${source})`
        : `  ${name}: ${dollars(cost)} (${source})`,
    ),
    '',
  ].join('\n');
}
