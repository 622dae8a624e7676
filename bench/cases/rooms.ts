import { type Bench, type Measurement, median, readable } from '../measurement.ts';
import { installPeers } from '../peers/install.ts';
import { type Figures, figuresOf, units } from '../rooms/figures.ts';
import { MeasuredRoom, type Pace } from '../rooms/measured-room.ts';
import { nameOf, type Room, rooms } from '../rooms/room.ts';
import { type Contestant, contestants } from '../rooms/servers.ts';

/** The warm-up until the engines have compiled hot code. Some servers define a longer one. */
const pace: Pace = { warmUpMillis: 20_000, settleMillis: 2000, measuredMillis: 8000, drainMillis: 1500 };
const floor = contestants[0]!.name;
const nameWidth = 28;

const paceOf = ({ warmUpMillis = pace.warmUpMillis }: Contestant): Pace => ({ ...pace, warmUpMillis });

/** Parses `--name=a,b`. */
function listOf(flags: string[], name: string): string[] | undefined {
  const flag = flags.find((each) => each.startsWith(`--${name}=`));
  return flag
    ?.slice(name.length + 3)
    .split(',')
    .map((each) => each.trim().toLowerCase());
}

function chosen<T>(all: readonly T[], names: string[] | undefined, nameOfOne: (one: T) => string): T[] {
  return all.filter((one) => !names || names.some((name) => nameOfOne(one).toLowerCase().split(', ').includes(name)));
}

/** The servers of a room alternate and stay warm meanwhile, so that a busy machine slows all of them equally. */
async function measureTurns(room: Room, servers: Contestant[], turns: number): Promise<Map<string, Figures[]>> {
  const figures = new Map<string, Figures[]>();
  const open = new Map<Contestant, MeasuredRoom>();
  try {
    for (const server of servers) {
      await attempt(room, server, async () => open.set(server, await MeasuredRoom.open(server, room, paceOf(server))));
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const [server, measured] of open) {
        await attempt(room, server, async () => {
          const one = figuresOf(await measured.measure());
          figures.set(server.name, [...(figures.get(server.name) ?? []), one]);
          print(room, server.name, one, figures.get(floor)?.at(-1));
        });
      }
    }
  } finally {
    for (const measured of open.values()) await measured.close();
  }
  return figures;
}

/** If a server fails in a room, the failure is printed and the others continue. */
async function attempt(room: Room, server: Contestant, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.log(`  ${nameOf(room).padEnd(14)}${server.name.padEnd(nameWidth)}fails: ${(error as Error).message}`);
  }
}

const head = ['CPU s/1,000', '× floor', 'p50 ms', 'p95 ms', 'p99 ms', 'bytes', 'replaced', 'lost', 'posts', 'billed'];

function print(room: Room, server: string, figures: Figures, base: Figures | undefined): void {
  const { cpu, p50, p95, p99, bytes, replaced, lost, posts, billed } = figures;
  const percent = (share: number) => `${readable(100 * share)} %`;
  const cells = [
    ...[readable(cpu), base ? readable(cpu / base.cpu) : '–', readable(p50), readable(p95), readable(p99)],
    ...[readable(bytes), percent(replaced), percent(lost), percent(posts), percent(billed)],
  ];
  const columns = cells.map((cell, index) => cell.padStart(head[index]!.length + 1)).join(' ');
  console.log(`  ${nameOf(room).padEnd(14)}${server.padEnd(nameWidth)}${columns}`);
}

const names = Object.keys(units) as (keyof Figures)[];

/** The median of the turns for each figure. */
function middleOf(turns: Figures[]): Figures {
  return Object.fromEntries(names.map((name) => [name, median(turns.map((turn) => turn[name]))])) as unknown as Figures;
}

function measurementsOf(room: Room, middles: Map<string, Figures>): Measurement[] {
  return [...middles].flatMap(([server, middle]) =>
    names.map((name) => ({
      what: `${nameOf(room)}, ${server}: ${name}`,
      value: middle[name],
      unit: units[name],
      ...(server === floor ? {} : { comparedWith: `${nameOf(room)}, ${floor}: ${name}` }),
    })),
  );
}

export const bench: Bench = {
  title: 'Cursors of 128 bytes in rooms, by server (`senders-in-members`, ten updates a second each unless said)',
  talks: true,
  /** `--rooms=50-in-50,…`, `--servers=rollcall,compact,socket.io,…` (besides the lower limit), `--turns=5`. */
  async run(flags) {
    const others = chosen(contestants.slice(1), listOf(flags, 'servers'), (one) => one.name);
    const turns = Number(listOf(flags, 'turns')?.[0] ?? 5);
    if (others.some((one) => one.peer)) await installPeers();
    console.log(`  ${'room'.padEnd(14)}${'server'.padEnd(nameWidth)}${head.map((title) => ` ${title}`).join(' ')}`);
    const measurements: Measurement[] = [];
    for (const room of chosen(rooms, listOf(flags, 'rooms'), nameOf)) {
      const servers = [contestants[0]!, ...others].filter(({ takes }) => takes?.(room) ?? true);
      const figures = await measureTurns(room, servers, turns);
      const middles = new Map([...figures].map(([server, each]) => [server, middleOf(each)]));
      for (const [server, middle] of middles) print(room, `${server}, median`, middle, middles.get(floor));
      measurements.push(...measurementsOf(room, middles));
    }
    return measurements;
  },
};
