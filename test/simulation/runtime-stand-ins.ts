import { currentPlace } from './context.ts';

/**
 * What the flows get instead of the connections of an execution environment: the servers of the world they run in. The
 * code between them and the servers is the product's own.
 */
const world = () => currentPlace().world;

export const redisModule = { redis: () => world().redis };

export const presenceModule = {
  presence: () => world().presence,
  deadlines: () => world().deadlines,
  movingSessions: () => world().movingSessions,
  shardLeases: () => world().shardLeases,
};

const registry = () => world().backend.registry;
export const registryModule = { registry };

export const deliveryModule = {
  registry,
  messenger: () => world().broadcaster,
  broadcaster: () => world().broadcaster,
  async postToCaller(connectionId: string, frame: Parameters<ReturnType<typeof world>['broadcaster']['broadcast']>[1]) {
    await world().broadcaster.broadcast([connectionId], frame, { kind: 'state' });
  },
};

export const sessionsModule = { sessions: () => world().backend.sessions, invites: () => ({}) };

export const activityModule = { activity: () => world().backend.activity };

/** How fast people may write is not what these worlds are about. */
export const rateModule = { limitRate: async () => {} };

const quiet = () => {};
function messageOf(details: unknown): string {
  const error = details instanceof Error ? details : (details as { error?: Error } | undefined)?.error;
  return error?.message ?? '';
}

/** An error that is logged is a mistake of the product, unless the world is in trouble. */
function logError(message: string, details?: Error | { error?: Error }): void {
  const error = details instanceof Error ? details : details?.error;
  world().note(`error log: ${message} ${error?.message ?? ''}`);
  if (!world().troubled) world().violate(`[FA6] ${message}: ${error?.stack}`);
}
export const logModule = {
  log: {
    debug: quiet,
    info: quiet,
    warn: (message: string, details?: unknown) => world().note(`warning: ${message} ${messageOf(details)}`),
    error: logError,
  },
};

export const databaseModule = { database: () => ({}), sweepDatabase: () => ({}) };
export const occupiedModule = {
  async *occupiedSessions(): AsyncGenerator<string[]> {
    const { backend } = world();
    yield await world().call('occupied sessions', () => backend.occupiedSessions());
  },
};

/** What the sweep does besides presence lies outside of these worlds. */
export const housekeepingModule = { keepHouse: async () => {}, checkLiveness: async () => {} };
export const lastSeenModule = {
  LastSeenUpdates: class {
    add(): void {}
    write(): void {}
    async written(): Promise<void> {}
  },
};

/** Starts the timeout sweep, which is the only function that another one starts. */
export const lambdaModule = {
  InvokeCommand: class {},
  LambdaClient: class {
    send(): Promise<void> {
      const { environments, note } = { environments: world().environments, note: world().note.bind(world()) };
      return world().call('invoke sweep', () => {
        note('a sweep is started at once');
        environments.invoke('timeout-sweep', {});
      });
    }
  },
};
