import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { databaseFailure, isAuthenticationFailure } from './database-failure.ts';
import { readDatabaseSecret } from './database-secret.ts';
import { withDeadline } from './deadline.ts';
import { environmentNames } from './environment.ts';
import { log } from './log.ts';
import { withoutLogContext } from './log-context.ts';
import { once, required } from './once.ts';
import { inTransaction } from './transaction.ts';

export interface DatabaseOptions {
  /**
   * Called at the first use, and again after the server refused the password (a rotated secret).
   *
   * @param refused the connection with the refused password.
   */
  connection: (refused?: PoolConfig) => Promise<PoolConfig>;
  /** Time limit of one query in milliseconds, waits included. A sweep may take longer than a request. */
  timeoutMillis?: number;
}

/** The part of PostgreSQL that a repository needs. A `pg` pool is one, too. */
export type Queryable = Pick<Pool, 'query'>;

/**
 * The database connections of one execution environment: at most two, made at first use.
 *
 * While the server is away, frozen or overloaded, a call throws Unavailable within the time limit. The limit includes the
 * wait for a free connection, the connecting and the query (rules FA1, FA3). Any other error is thrown as it is.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #timeoutMillis: number;
  #pool: Promise<Pool> | undefined;
  #opened: PoolConfig | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#timeoutMillis = options.timeoutMillis ?? dependencyTimeoutMillis;
  }

  /** The same as `Pool.query` that returns a promise. */
  readonly query = ((...parameters: Parameters<Pool['query']>) =>
    this.#bounded(() =>
      this.#withPool((pool) => Promise.resolve(pool.query(...parameters))),
    )) as unknown as Pool['query'];

  /** Returns a connection for the caller alone, until the caller releases it. Prefer {@link transaction}. */
  readonly connect = (() => {
    let tooLate = false;
    const connecting = this.#withPool((pool) => pool.connect());
    connecting.then(
      // The caller has received a time-out and does not wait for this connection any more.
      (client) => tooLate && client.release(),
      () => {},
    );
    return this.#bounded(() => connecting).catch((error) => {
      tooLate = true;
      throw error;
    });
  }) as Pool['connect'];

  /**
   * Runs the work in one transaction: commits everything, or nothing if the work throws. The work must not retry a query.
   * The time limit applies to each query.
   */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this, 'write', work);
  }

  /** Closes all connections. Only a process that ends needs it. */
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
      // Its open connections go on. Nobody waits for them: a caller may hold one and wait for this call.
      if (this.#pool === pool) this.end().catch((failure) => log.debug('A pool did not end', failure));
      return use(await this.#open(this.#opened));
    }
  }

  #open(refused?: PoolConfig): Promise<Pool> {
    this.#pool ??= this.#options.connection(refused).then(
      (connection) => {
        this.#opened = connection;
        return this.#makePool(connection);
      },
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
    pool.on('error', (error) => withoutLogContext(() => log.warn('An idle database connection broke', error)));
    // The pool handles errors of idle connections only. An error of a connection in use makes its query fail and is also
    // emitted as an event. Without a listener that event would end the process.
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

/**
 * How this environment connects to PostgreSQL: with `DATABASE_URL`, or else with the secret from the stack.
 *
 * @param refused a connection with a password from this secret that the server refused.
 */
export async function databaseConnection(refused?: PoolConfig): Promise<PoolConfig> {
  const url = process.env[environmentNames.databaseUrl];
  return url
    ? { connectionString: url }
    : readDatabaseSecret(required(environmentNames.databaseSecretArn), { refused });
}

/** The database of this environment. */
export const database = once(() => new Database({ connection: databaseConnection }));

/** The database for scheduled work, whose statements may take ten seconds. */
export const sweepDatabase = once(() => new Database({ connection: databaseConnection, timeoutMillis: 10_000 }));
