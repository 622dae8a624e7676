import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrowdName } from './crowds/crowds.ts';
import type { Room } from './room.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** A server that is measured. */
export interface Contestant {
  name: string;
  crowd: CrowdName;
  /** Whether it is another product, installed in `bench/peers`. */
  peer?: boolean;
  format?: 'json' | 'compact';
  /** Duration of the warm-up, if it is longer than usual. */
  warmUpMillis?: number;
  /** The rooms in which it is measured, if it does not support all. */
  takes?: (room: Room) => boolean;
  start(): Promise<ServerProcess>;
}

const project = join(import.meta.dirname, '..', '..');
export const peersFolder = join(project, 'bench', 'peers');

/** The product as `npm start` runs it, with its own data folder. */
async function startRollcall(): Promise<ServerProcess> {
  const data = await mkdtemp(join(tmpdir(), 'rollcall-rooms-'));
  const server = await startServer({
    arguments_: ['--disable-warning=ExperimentalWarning', join('local', 'main.ts')],
    cwd: project,
    environment: { PORT: '0', ROLLCALL_DATA_DIR: data, LOG_LEVEL: 'INFO' },
    ready: /Rollcall is ready at (http:\S+) /,
  });
  return {
    ...server,
    async stop() {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

const startPeer = (file: string) => () => startServer({ arguments_: [file], cwd: peersFolder, ready: /ready (\S+)/ });

/**
 * Long, because each environment compiles the bundle itself: the CPU time falls for a minute and is constant
 * afterwards.
 */
const environmentsWarmMillis = 75_000;

const rollcall = { crowd: 'rollcall', warmUpMillis: environmentsWarmMillis, start: startRollcall } as const;

/** The slow room is for the server that cannot handle the others. */
const fullRate = (room: Room) => room.hertz === 10;

/** The lower limit is first, because the others are compared with it. */
export const contestants: readonly Contestant[] = [
  {
    name: 'bare ws',
    crowd: 'broadcast',
    start: () => startServer({ arguments_: ['bench/rooms/broadcast-server.ts'], cwd: project, ready: /ready (\S+)/ }),
  },
  { name: 'Rollcall, compact', format: 'compact', ...rollcall },
  { name: 'Rollcall, JSON', format: 'json', ...rollcall },
  { name: 'socket.io', crowd: 'socket-io', peer: true, takes: fullRate, start: startPeer('socket-io.mjs') },
  { name: 'Hocuspocus', crowd: 'hocuspocus', peer: true, takes: fullRate, start: startPeer('hocuspocus.mjs') },
  { name: 'y-websocket', crowd: 'y-websocket', peer: true, takes: fullRate, start: startPeer('y-websocket.mjs') },
  {
    name: 'serverless-offline',
    crowd: 'broadcast',
    peer: true,
    // With more updates it only builds up a queue.
    takes: ({ members, senders, hertz }) => senders * (members - 1) * hertz <= 100,
    start: startPeer('serverless-offline.mjs'),
  },
];
