import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { LoadCommand, LoadReport, LoadRequest, LoadResult } from './load.ts';
import { cpuSecondsOf } from './process-tree.ts';
import { nameOf, type Room } from './room.ts';
import type { ServerProcess } from './server-process.ts';
import type { Contestant } from './servers.ts';

/** The durations of the parts of a measurement. */
export type Pace = Pick<LoadRequest, 'warmUpMillis' | 'settleMillis' | 'measuredMillis' | 'drainMillis'>;

export interface RoomResult extends LoadResult {
  server: string;
  room: Room;
  /** CPU seconds of all processes of the server. */
  serverSeconds: number;
}

const joinMillis = 120_000;

/** A room with all members on its own server. It stays warm between measurements. */
export class MeasuredRoom {
  readonly #contestant: Contestant;
  readonly #room: Room;
  readonly #pace: Pace;
  readonly #server: ServerProcess;
  readonly #load: ChildProcess;
  #heard: (report: LoadReport) => void = () => {};
  #failed: (error: Error) => void = () => {};

  private constructor(contestant: Contestant, room: Room, pace: Pace, server: ServerProcess) {
    this.#contestant = contestant;
    this.#room = room;
    this.#pace = pace;
    this.#server = server;
    this.#load = fork(join(import.meta.dirname, 'load.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#load.on('message', (report: LoadReport) => this.#heard(report));
    this.#load.once('exit', () => this.#failed(new Error(`The load of ${nameOf(room)} ended before its time.`)));
  }

  /** @throws Error if the server does not start or a client cannot join. */
  static async open(contestant: Contestant, room: Room, pace: Pace): Promise<MeasuredRoom> {
    const measured = new MeasuredRoom(contestant, room, pace, await contestant.start());
    const { crowd, format = 'json' } = contestant;
    const open: LoadRequest = { crowd, format, room, url: measured.#server.url, ...pace };
    try {
      await measured.#tell({ open }, joinMillis + pace.warmUpMillis, (report) => 'phase' in report);
      return measured;
    } catch (error) {
      await measured.close();
      throw error;
    }
  }

  async measure(): Promise<RoomResult> {
    const seconds: Promise<number>[] = [];
    const { settleMillis, measuredMillis, drainMillis } = this.#pace;
    const limit = joinMillis + settleMillis + measuredMillis + drainMillis;
    const report = await this.#tell('measure', limit, (each) => {
      if ('phase' in each) seconds.push(cpuSecondsOf(this.#server.pid));
      return 'result' in each;
    });
    const { result } = report as { result: LoadResult };
    if (result.delivered === 0) throw new Error(`Nothing was delivered.\n${this.#server.lastOutput()}`);
    const [begin, end] = await Promise.all(seconds);
    return { server: this.#contestant.name, room: this.#room, ...result, serverSeconds: end! - begin! };
  }

  async close(): Promise<void> {
    this.#failed = () => {};
    this.#load.kill('SIGKILL');
    await this.#server.stop();
  }

  /** Sends a command to the load process. @returns the first report of kind `last`. */
  async #tell(command: LoadCommand, limitMillis: number, last: (report: LoadReport) => boolean): Promise<LoadReport> {
    const done = Promise.withResolvers<LoadReport>();
    const tooLong = setTimeout(() => this.#load.kill('SIGKILL'), limitMillis);
    this.#failed = done.reject;
    this.#heard = (report) => {
      if ('failed' in report) done.reject(new Error(`${report.failed}\n${this.#server.lastOutput()}`));
      else if (last(report)) done.resolve(report);
    };
    this.#load.send(command);
    try {
      return await done.promise;
    } finally {
      clearTimeout(tooLong);
    }
  }
}
