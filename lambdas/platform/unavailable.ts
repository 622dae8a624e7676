import { RollcallError } from '../../protocol/errors.ts';

/** What the service depends on: Redis, PostgreSQL with the outbox beside it, and the table of connections. */
export type Dependency = 'redis' | 'database' | 'connections';

/** What a client is told; which dependency it was is for the log only. */
const messages: Record<Dependency, string> = {
  redis: 'Presence is not available for a moment; try again shortly.',
  database: 'The service cannot reach its records right now; try again in a moment.',
  connections: 'The service cannot reach its connections right now; try again in a moment.',
};
const retryAfterMillis = 1000;

/** A dependency does not answer, or cannot serve: another try can succeed (rules FA1, FA3, FA4). */
export class Unavailable extends RollcallError {
  readonly dependency: Dependency;

  /** @param cause what the dependency or its client said; it reaches the log, never a client. */
  constructor(dependency: Dependency, cause?: unknown, message = messages[dependency]) {
    super('UNAVAILABLE', message, { retryAfterMillis, cause });
    this.dependency = dependency;
  }
}

/**
 * Whether something failed because a dependency is away, so that another way may be tried.
 *
 * @param dependency only this one counts; without it any does.
 */
export function isAway(error: unknown, dependency?: Dependency): error is Unavailable {
  return error instanceof Unavailable && (dependency === undefined || error.dependency === dependency);
}
