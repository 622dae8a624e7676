import { dependencyTimeoutMillis } from '../../../protocol/timings.ts';
import { database } from '../../platform/database.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { log } from '../../platform/log.ts';
import { redis } from '../../platform/redis.ts';
import { registry } from '../../services/registry.ts';

export type HealthCheck = 'redis' | 'database' | 'connections';

export interface Health {
  status: 'ok' | 'failing';
  checks: Record<HealthCheck, 'ok' | 'failing'>;
  /** Milliseconds each check took. */
  millis: Record<HealthCheck, number>;
}

const checks: Record<HealthCheck, () => Promise<unknown>> = {
  async redis() {
    if ((await redis().ping()) !== 'PONG') throw new Error('Redis did not answer PONG.');
  },
  database: () => database().query('SELECT 1'),
  connections: () => registry().membership('health', 'health'),
};

/** Asks every dependency, all at once and none for longer than a second. What failed is named; why is only logged. */
export async function checkHealth(): Promise<Health> {
  const results = await Promise.all(
    (Object.keys(checks) as HealthCheck[]).map(async (name) => {
      const started = performance.now();
      const ok = await passes(name);
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

async function passes(name: HealthCheck): Promise<boolean> {
  try {
    await withDeadline(checks[name](), dependencyTimeoutMillis);
    return true;
  } catch (error) {
    log.error(`The health check of ${name} failed`, error as Error);
    return false;
  }
}
