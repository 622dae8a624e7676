import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { databaseFailure, isAuthenticationFailure } from './database-failure.ts';
import { readDatabaseSecret } from './database-secret.ts';
import { withDeadline } from './deadline.ts';
import { environmentNames } from './environment.ts';
import { log } from './log.ts';
import { once, required } from './once.ts';
import { inTransaction } from './transaction.ts';

export interface DatabaseOptions {
  /** Asked for the way in at the first use, and again when the server refuses the password (a rotated secret). */
  connection: () => Promise<PoolConfig>;
  /** Bound in milliseconds for one query with everything around it. A sweep may take longer than a request. */
  timeoutMillis?: number;
}

/** What a repository needs of PostgreSQL; a `pg` pool is one, too. */
export type Queryable = Pick<Pool, 'query'>;

/**
 * PostgreSQL as one execution environment sees it: at most two connections, made at first use.
 *
 * A server that is away, frozen or overloaded answers as `UNAVAILABLE` within the timeout, whatever it is that hangs: the
 * wait for a free connection, the connecting or the query (rule FA1's bound, rule FA3). Everything else is thrown as is.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #timeoutMillis: number;
  #pool: Promise<Pool> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#timeoutMillis = options.timeoutMillis ?? dependencyTimeoutMillis;
  }

  /** As `Pool.query` in its promise form. */
  readonly query = ((...parameters: Parameters<Pool['query']>) =>
    this.#bounded(() =>
      this.#withPool((pool) => Promise.resolve(pool.query(...parameters))),
    )) as unknown as Pool['query'];

  /** A connection of one's own until it is released; prefer {@link transaction}. */
  readonly connect = (() => {
    let tooLate = false;
    const connecting = this.#withPool((pool) => pool.connect());
    connecting.then(
      // Nobody waits for this one any more.
      (client) => tooLate && client.release(),
      () => {},
    );
    return this.#bounded(() => connecting).catch((error) => {
      tooLate = true;
      throw error;
    });
  }) as Pool['connect'];

  /**
   * Runs the work inside one transaction: commits what it did, or nothing of it if it throws. The work may retry nothing;
   * its queries are bounded one by one.
   */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this, 'write', work);
  }

  /** Closes every connection; only a process that ends needs it. */
  async end(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool)?.end();
  }

  async #withPool<T>(use: (pool: Pool) => Promise<T>): Promise<T> {
    const pool = this.#open();
    try {
      return await use(await pool);
    } catch (error) {
      if (!isAuthenticationFailure(error)) throw error;
      if (this.#pool === pool) await this.end();
      return use(await this.#open());
    }
  }

  #open(): Promise<Pool> {
    this.#pool ??= this.#options.connection().then(
      (connection) => this.#makePool(connection),
      (error) => {
        this.#pool = undefined;
        throw error;
      },
    );
    return this.#pool;
  }

  #makePool(connection: PoolConfig): Pool {
    const pool = new Pool({
      max: 2,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
      keepAlive: true,
      connectionTimeoutMillis: this.#timeoutMillis,
      query_timeout: this.#timeoutMillis,
      statement_timeout: this.#timeoutMillis,
      // An environment that is frozen inside a transaction must not hold its locks for long.
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'rollcall',
      ...connection,
    });
    pool.on('error', (error) => log.warn('An idle database connection broke', error));
    // The pool listens to idle connections only. One that breaks in somebody's hands fails their query; that nobody listens
    // to the event as well would end the environment, with whatever else it was doing.
    pool.on('connect', (client) => client.on('error', (error) => log.debug('A database connection broke', error)));
    return pool;
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await withDeadline(work(), this.#timeoutMillis);
    } catch (error) {
      throw databaseFailure(error);
    }
  }
}

/** How this environment reaches PostgreSQL: `DATABASE_URL`, or else the secret that the stack granted. */
export async function databaseConnection(): Promise<PoolConfig> {
  const url = process.env[environmentNames.databaseUrl];
  return url ? { connectionString: url } : readDatabaseSecret(required(environmentNames.databaseSecretArn));
}

/** The database of this environment. */
export const database = once(() => new Database({ connection: databaseConnection }));

/** The same for scheduled work, whose statements may take ten seconds. */
export const sweepDatabase = once(() => new Database({ connection: databaseConnection, timeoutMillis: 10_000 }));
