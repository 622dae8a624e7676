import { once } from 'node:events';
import { type ServerChild, startServer } from '../../local/backing/child.ts';
import { freePort } from '../../local/backing/free-port.ts';
import { findRedisServer } from '../../local/backing/redis.ts';

/** A Redis of a test's own, which it may kill, freeze and start again on the same port. */
export class OwnRedis {
  readonly port: number;
  readonly #options: string[];
  #server: ServerChild | undefined;

  private constructor(port: number, options: string[]) {
    this.port = port;
    this.#options = options;
  }

  /** @param options further command line options of the server. */
  static async start(options: string[] = []): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), options);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it empty, unless it runs. */
  async start(): Promise<void> {
    if (this.#runs) return;
    const program = await findRedisServer();
    if (!program) throw new Error('These tests start a Redis of their own: install redis-server or valkey-server.');
    this.#server = await startServer(
      program,
      ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...this.#options],
      (output) => output.toLowerCase().includes('ready to accept connections'),
    );
  }

  /** It takes connections and answers nothing. */
  freeze(): void {
    this.#server?.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.#server?.process.kill('SIGCONT');
  }

  /** It ends as after a crash: with everything it knew. */
  async kill(): Promise<void> {
    if (!this.#runs) return;
    const ended = once(this.#server!.process, 'exit');
    this.#server!.process.kill('SIGKILL');
    await ended;
  }

  get #runs(): boolean {
    return this.#server?.process.exitCode === null && this.#server.process.signalCode === null;
  }
}
