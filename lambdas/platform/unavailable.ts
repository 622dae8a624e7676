import { RollcallError } from '../../protocol/errors.ts';

/** The dependencies of the service: Redis, PostgreSQL (with the outbox), and the connection table. */
export type Dependency = 'redis' | 'database' | 'connections';

/** What a client is told. The name of the dependency is only in the log. */
const messages: Record<Dependency, string> = {
  redis: 'Presence is not available right now. Try again in a moment.',
  database: 'The service cannot reach its database right now. Try again in a moment.',
  connections: 'The service cannot reach its table of connections right now. Try again in a moment.',
};
const retryAfterMillis = 1000;

/** A dependency does not answer, or cannot serve. A retry can succeed (rules FA1, FA3, FA4). */
export class Unavailable extends RollcallError {
  readonly dependency: Dependency;

  /** @param cause the error of the dependency or its client, for the log; a client never sees it. */
  constructor(dependency: Dependency, cause?: unknown, message = messages[dependency]) {
    super('UNAVAILABLE', message, { retryAfterMillis, cause });
    this.dependency = dependency;
  }
}

/**
 * Whether an error says that a dependency is away.
 *
 * @param dependency only this dependency counts; any, if left out.
 */
export function isAway(error: unknown, dependency?: Dependency): error is Unavailable {
  return error instanceof Unavailable && (dependency === undefined || error.dependency === dependency);
}
