import { dependencyTimeoutMillis } from '../../../protocol/timings.ts';
import { withDeadline } from '../../platform/deadline.ts';
import type { Services } from '../../services/services.ts';

export type HealthCheck = 'redis' | 'database' | 'connections';

export interface Health {
  status: 'ok' | 'failing';
  checks: Record<HealthCheck, 'ok' | 'failing'>;
  /** Milliseconds each check took. */
  millis: Record<HealthCheck, number>;
}

const checks: Record<HealthCheck, (services: Services) => Promise<unknown>> = {
  async redis(services) {
    if ((await services.redis.ping()) !== 'PONG') throw new Error('Redis did not answer PONG.');
  },
  database: (services) => services.database.query('SELECT 1'),
  connections: (services) => services.registry.membership('health', 'health'),
};

/** Checks all dependencies in parallel, each for at most a second. The answer names what failed; only the log says why. */
export async function checkHealth(services: Services): Promise<Health> {
  const results = await Promise.all(
    (Object.keys(checks) as HealthCheck[]).map(async (name) => {
      const started = performance.now();
      const ok = await passes(services, name);
      return { name, ok, millis: Math.round(performance.now() - started) };
    }),
  );
  const entries = <T>(value: (result: (typeof results)[number]) => T) =>
    Object.fromEntries(results.map((result) => [result.name, value(result)])) as Record<HealthCheck, T>;
  return {
    status: results.every((result) => result.ok) ? 'ok' : 'failing',
    checks: entries((result) => (result.ok ? 'ok' : 'failing')),
    millis: entries((result) => result.millis),
  };
}

async function passes(services: Services, name: HealthCheck): Promise<boolean> {
  try {
    await withDeadline(checks[name](services), dependencyTimeoutMillis);
    return true;
  } catch (error) {
    services.log.error(`The health check of ${name} failed`, error as Error);
    return false;
  }
}
