import { once } from 'node:events';
import { type ServerChild, startServer } from '../../local/backing/child.ts';
import { freePort } from '../../local/backing/free-port.ts';
import { findRedisServer } from '../../local/backing/redis.ts';

/** A separate Redis for one test, which can kill, freeze and restart it on the same port. */
export class OwnRedis {
  readonly port: number;
  readonly #options: string[];
  #server: ServerChild | undefined;

  private constructor(port: number, options: string[]) {
    this.port = port;
    this.#options = options;
  }

  /** @param options more command line options of the server. */
  static async start(options: string[] = []): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), options);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts an empty server, unless it runs. */
  async start(): Promise<void> {
    if (this.#runs) return;
    const program = await findRedisServer();
    if (!program) throw new Error('These tests start a separate Redis; install redis-server or valkey-server.');
    this.#server = await startServer(
      program,
      ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...this.#options],
      (output) => output.toLowerCase().includes('ready to accept connections'),
    );
  }

  /** Freezes the server: it accepts connections and does not answer. */
  freeze(): void {
    this.#server?.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.#server?.process.kill('SIGCONT');
  }

  /** Kills the server, to simulate a crash with loss of all data. */
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
