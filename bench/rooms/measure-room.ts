import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { LoadReport, LoadRequest, LoadResult } from './load.ts';
import { cpuSecondsOf } from './process-tree.ts';
import { nameOf, type Room } from './room.ts';
import type { Contestant } from './servers.ts';

/** How long a run takes. */
export interface Pace {
  warmUpMillis: number;
  measuredMillis: number;
  drainMillis: number;
}

export interface RoomResult extends LoadResult {
  server: string;
  room: Room;
  /** CPU seconds of everything on the server's side. */
  serverSeconds: number;
}

/** Runs a room on a server of its own. @throws Error where the server does not start or somebody cannot join. */
export async function measureRoom(contestant: Contestant, room: Room, pace: Pace): Promise<RoomResult> {
  const server = await contestant.start();
  try {
    const { crowd, format = 'json', name } = contestant;
    const request: LoadRequest = { crowd, format, room, url: server.url, ...pace };
    const result = await underLoad(server.pid, request);
    if (result.delivered === 0) throw new Error('Nothing was delivered.');
    return { server: name, room, ...result };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${server.lastWords()}`, { cause: error });
  } finally {
    await server.stop();
  }
}

const joinMillis = 120_000;

async function underLoad(pid: number, request: LoadRequest): Promise<LoadResult & { serverSeconds: number }> {
  const load = fork(join(import.meta.dirname, 'load.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const seconds: Promise<number>[] = [];
  const limit = joinMillis + request.warmUpMillis + request.measuredMillis + request.drainMillis;
  const tooLong = setTimeout(() => load.kill('SIGKILL'), limit);
  try {
    const result = await new Promise<LoadResult>((resolve, reject) => {
      load.on('message', (report: LoadReport) => {
        if ('phase' in report) seconds.push(cpuSecondsOf(pid));
        else if ('failed' in report) reject(new Error(report.failed));
        else resolve(report.result);
      });
      load.once('exit', () => reject(new Error(`The load of ${nameOf(request.room)} ended before its time.`)));
      load.send(request);
    });
    const [begin, end] = await Promise.all(seconds);
    return { ...result, serverSeconds: end! - begin! };
  } finally {
    clearTimeout(tooLong);
    load.kill('SIGKILL');
  }
}
