import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { ConnectionRegistry } from '../../lambdas/connections/connection-registry.ts';

/** The stores of a service. */
export interface Stores {
  database: Pick<Pool, 'query'>;
  redis: Pick<Redis, 'eval'>;
  /** If the service runs in this process. Then the connection table is read only when something writes to it. */
  registry?: ConnectionRegistry;
}

/**
 * What is stored, and what a frame changed of it. PostgreSQL records each changed row by a trigger, so a transaction that was rolled back
 * leaves nothing. Redis is read as a whole. DynamoDB is read before and after the methods that write to it, or each time.
 *
 * Not looked at: what says only that a frame arrived (rates, meters, times of the last sign of life, deadlines of sweeps).
 */
export class StateWatch {
  readonly #stores: Stores;
  readonly #table: () => Promise<string[]>;
  #redis = new Map<string, string>();
  #before: string[] | undefined;

  private constructor(stores: Stores, table: () => Promise<string[]>) {
    this.#stores = stores;
    this.#table = table;
  }

  /** @param table reads everything in the connection table. */
  static async start(stores: Stores, table: () => Promise<string[]>): Promise<StateWatch> {
    await stores.database.query(recordChanges);
    const watch = new StateWatch(stores, table);
    if (stores.registry) watch.#watch(stores.registry);
    await watch.changes();
    return watch;
  }

  /** What changed since the last call: one text for each row, key or table. */
  async changes(): Promise<string[]> {
    const { rows } = await this.#stores.database.query<{ change: string }>(
      'WITH taken AS (DELETE FROM fuzz_changes RETURNING id, change) SELECT change FROM taken ORDER BY id',
    );
    const redis = await this.#readRedis();
    const keys = new Set([...this.#redis.keys(), ...redis.keys()]);
    const hasExpired = (key: string) => expiring.test(key) && !redis.has(key);
    const changed = [...keys].filter((key) => this.#redis.get(key) !== redis.get(key) && !hasExpired(key));
    const ofRedis = changed.map((key) => `redis ${key}: ${this.#redis.get(key)} -> ${redis.get(key)}`);
    this.#redis = redis;
    return [...rows.map(({ change }) => change), ...ofRedis, ...(await this.#changesOfTable())];
  }

  async #changesOfTable(): Promise<string[]> {
    const before = this.#before;
    if (this.#stores.registry) this.#before = undefined;
    if (!before && this.#stores.registry) return [];
    const after = await this.#table();
    if (!this.#stores.registry) this.#before = after;
    if (!before) return [];
    const lost = before.filter((item) => !after.includes(item)).map((item) => `connections lost ${item}`);
    return [...lost, ...after.filter((item) => !before.includes(item)).map((item) => `connections got ${item}`)];
  }

  async #readRedis(): Promise<Map<string, string>> {
    const { redis } = this.#stores;
    const stored = (await redis.eval(readAll, 0)) as [string, string][];
    return new Map(stored.filter(([key]) => !passing.test(key)).map(([key, value]) => [key, lasting(key, value)]));
  }

  #watch(registry: ConnectionRegistry): void {
    for (const name of writers) {
      const write = Reflect.get(registry, name) as (...parameters: unknown[]) => Promise<unknown>;
      Reflect.set(registry, name, async (...parameters: unknown[]) => {
        this.#before ??= await this.#table();
        return write.apply(registry, parameters);
      });
    }
  }
}

const writers = [
  ...(['setCompact', 'join', 'leave', 'amend', 'takeBack', 'changeRole', 'inheritInvisible', 'setInvisible'] as const),
  ...(['setData', 'remove', 'leaveAll'] as const),
];

const recordChanges = `
  CREATE TABLE IF NOT EXISTS fuzz_changes (id bigserial PRIMARY KEY, change text NOT NULL);
  CREATE OR REPLACE FUNCTION fuzz_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN RETURN NULL; END IF;
    INSERT INTO fuzz_changes (change)
      VALUES (TG_TABLE_NAME || ' ' || TG_OP || ' ' || to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END)::text);
    RETURN NULL;
  END $$;
  DO $$
  DECLARE one text;
  BEGIN
    FOR one IN SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT IN ('fuzz_changes', 'pgmigrations') LOOP
      EXECUTE format('CREATE OR REPLACE TRIGGER fuzz AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION fuzz_record()', one);
    END LOOP;
  END $$`;

/** All keys with their values as text. The members of a sorted set are read without their scores, which are times. */
const readAll = `
  local found = {}
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local value
    if kind == 'string' then value = redis.call('GET', key)
    elseif kind == 'list' then value = cjson.encode(redis.call('LRANGE', key, 0, -1))
    elseif kind == 'set' then value = redis.call('SMEMBERS', key)
    elseif kind == 'hash' then value = redis.call('HGETALL', key)
    else value = redis.call('ZRANGE', key, 0, -1) end
    if kind == 'hash' then
      local fields = {}
      for index = 1, #value, 2 do fields[#fields + 1] = value[index] .. '=' .. value[index + 1] end
      value = fields
    end
    if type(value) == 'table' then table.sort(value); value = table.concat(value, '\\n') end
    found[#found + 1] = { key, value }
  end
  return found`;

/** Keys that say only that a frame arrived, or what an open window holds. */
const passing = /^presence:(rate|rates|due|moving|sweep|sweeps|window)(:|$)|^\{presence:sweeps\}/;
/** Keys that Redis deletes after a minute, whatever frames arrive. */
const expiring = /^presence:membership:/;
/** The fields of a hash that say the same. */
const passingFields = /^(keptAt|postsOnTime|posted|#.*)=/;

function lasting(key: string, value: string): string {
  if (key.startsWith('presence:{')) {
    const { lastSeen: _, lastActive: __, ...record } = JSON.parse(value) as Record<string, unknown>;
    return JSON.stringify(Object.entries(record).sort(byName));
  }
  const lines = value.split('\n').filter((line) => !passingFields.test(line));
  return lines.join('\n');
}

/** Data of users may have no text form. So only the names are compared. */
export const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
