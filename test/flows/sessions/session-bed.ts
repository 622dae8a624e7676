import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import type { Role, Session, SessionMetadata } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { OwnRedis } from '../../support/own-redis.ts';
import { signedBy } from '../../support/signed-by.ts';
import { createConnectionTable, testAwsVariables } from '../../support/tables.ts';
import { type Doubles, replaceServices } from '../../support/test-services.ts';

type Flows = typeof import('../../../lambdas/flows/joining/join-session.ts') &
  typeof import('../../../lambdas/flows/frames/sign-of-life.ts') &
  typeof import('../../../lambdas/flows/sessions/end-session.ts') &
  typeof import('../../../lambdas/flows/sessions/manage-participants.ts') &
  typeof import('../../../lambdas/flows/presence/visit-sessions.ts') &
  typeof import('../../../lambdas/flows/sweep/last-seen-updates.ts');

/** A frame and the connections that it was posted to. */
export interface Posted {
  connectionIds: readonly string[];
  frame: ServerFrame;
}

/** A service with some methods replaced. The others run on the service itself, which has private fields. */
export function replaceMethods<T extends object>(service: T, methods: { [Name in keyof T]?: unknown }): T {
  return new Proxy(service, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const own: unknown = Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

/** The use cases of sessions with real stores. Frames are kept instead of posted. */
export class SessionBed {
  readonly flows: Flows;
  readonly services: Services;
  readonly posted: Posted[] = [];
  readonly database: TestDatabase;
  readonly tableName: string;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<SessionBed, 'flows' | 'database' | 'tableName'> & { services: Services; redis: OwnRedis },
  ) {
    this.flows = parts.flows;
    this.database = parts.database;
    this.tableName = parts.tableName;
    const broadcast = async (connectionIds: readonly string[], frame: ServerFrame) => {
      this.posted.push({ connectionIds, frame });
      return { delivered: connectionIds.length, gone: [], failed: [], throttled: 0 };
    };
    const post = async () => ({ delivered: 0, gone: [], failed: [], throttled: 0 });
    const gateway = { broadcast, post };
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const doubles = { broadcaster: gateway, messenger: gateway, log, startFunction: async () => {} };
    const keys = [new TextEncoder().encode('a key of the test, 32 bytes long')];
    this.services = replaceServices(parts.services, { ...doubles, ...signedBy(keys, parts.services) });
    this.#close = async () => {
      await parts.services.redis.quit();
      await parts.services.database.end();
      await parts.services.sweepDatabase.end();
      await Promise.all([parts.redis.kill(), parts.database.drop()]);
    };
  }

  /** It has its own Redis: the flows write keys that belong to no session, such as deadlines. */
  static async start(): Promise<SessionBed> {
    const [redis, database, tableName] = await Promise.all([
      OwnRedis.start(),
      createDatabase(),
      createConnectionTable(),
    ]);
    Object.assign(process.env, {
      ...{ DATABASE_URL: database.url, REDIS_URL: redis.url, OUTBOX_TABLE: 'unused' },
      ...{ CONNECTIONS_TABLE: tableName, ...testAwsVariables(), MANAGEMENT_ENDPOINT: 'http://127.0.0.1:9' },
    });
    // The composition reads the variables when it is loaded.
    const { services } = await import('../../../lambdas/composition/services.ts');
    const flows = {
      ...(await import('../../../lambdas/flows/joining/join-session.ts')),
      ...(await import('../../../lambdas/flows/frames/sign-of-life.ts')),
      ...(await import('../../../lambdas/flows/sessions/end-session.ts')),
      ...(await import('../../../lambdas/flows/sessions/manage-participants.ts')),
      ...(await import('../../../lambdas/flows/presence/visit-sessions.ts')),
      ...(await import('../../../lambdas/flows/sweep/last-seen-updates.ts')),
    };
    return new SessionBed({ flows, database, tableName, services, redis });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** The services with some replaced. */
  with(doubles: Doubles): Services {
    return replaceServices(this.services, doubles);
  }

  /** A connection of a user. */
  caller(username: string, userId: string = randomUUID()): Caller {
    const connectionId = randomUUID();
    return { connectionId, userId, username, scopes: [], ipAddress: null, userAgent: null };
  }

  /** A session that its owner has joined. */
  async host(metadata: SessionMetadata = { isPublic: true }): Promise<{ owner: Caller; session: Session }> {
    const owner = this.caller('Olive');
    const { session } = await this.flows.createSession(this.services, owner, randomUUID(), metadata);
    return { owner, session };
  }

  /** Lets a user join with another connection. */
  async join(session: Session, caller: Caller = this.caller('Ada'), services = this.services): Promise<Caller> {
    await this.flows.joinSession(services, caller, session.id, undefined);
    return caller;
  }

  heartbeat(session: Session, caller: Caller, services = this.services) {
    return this.flows.signOfLife(services, caller, session.id, { kind: 'heartbeat' });
  }

  /** The role of a user that the others see; undefined if they are not present. */
  async shownRole(session: Session, { userId }: Caller): Promise<Role | undefined> {
    const listed = await this.services.presence.store.list(session.id, Date.now());
    return listed?.users.find((user) => user.userId === userId)?.role;
  }

  /** The movements of the users of a session in the audit trail, oldest first. */
  async trail(session: Session): Promise<{ userId: string; type: string; cause: string | null }[]> {
    const { rows } = await this.database.pool.query(
      `SELECT user_id AS "userId", activity_type AS type, details->>'cause' AS cause FROM activity_log
       WHERE session_id = $1 AND activity_type IN ('user_joined', 'user_left', 'user_timeout') ORDER BY created_at, id`,
      [session.id],
    );
    return rows;
  }
}
