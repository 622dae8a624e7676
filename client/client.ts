import type { Machine } from '../protocol/entities.ts';
import { createBeats } from './beats.ts';
import type {
  Client,
  ClientEvents,
  ClientOptions,
  CreateOptions,
  JoinOptions,
  OpenOptions,
  Self,
} from './client-api.ts';
import { createConnection } from './connection.ts';
import { createEmitter } from './emitter.ts';
import { createEnvironment, type Environment } from './environment.ts';
import type { Frame } from './gather.ts';
import type { OwnChange } from './own.ts';
import { errorOf } from './requests.ts';
import { createSessionCore, type SessionCore } from './session.ts';
import type { Session } from './session-api.ts';
import { createSession } from './session-facade.ts';
import type { Shared, Target } from './shared.ts';
import type { Types } from './types.ts';

/**
 * A client of Rollcall. Nothing is connected before `connect`, or the first `join`, `open` or `create`.
 *
 * @example
 * const client = createClient<{ data: { colour: string } }>({ url, token: () => getToken() });
 * const session = client.open('document-42', { data: { colour: 'teal' } });
 */
export function createClient<T extends Types = Types>(options: ClientOptions<T>): Client<T> {
  return createClientIn(createEnvironment(), options as ClientOptions) as unknown as Client<T>;
}

/** The same in a given environment; tests give one with a virtual clock. */
export function createClientIn(environment: Environment, options: ClientOptions): Client {
  const { on, emit } = createEmitter<ClientEvents>();
  const sessions = new Set<SessionCore>();
  const facades = new Map<SessionCore, Session>();
  const queues = new Map<string, Promise<unknown>>();
  let self: Self | undefined;

  const connection = createConnection(options, environment, {
    state(state) {
      if (state === 'open') {
        const { userId, username } = connection.link!.welcome;
        self = { userId, username };
      }
      emit('state', state);
    },
    error: (error) => emit('error', error),
    async move(link) {
      const { userId, username } = link.welcome;
      self = { userId, username };
      await Promise.all([...sessions].map((session) => session.enter(link)));
      beats.start();
    },
    frame: route,
    compact(frame) {
      for (const session of sessions) if (session.presence.epoch.startsWith(frame.alias)) session.compact(frame);
    },
    sent: (frame) => beats.sent(frame),
    lost(link) {
      for (const session of sessions) {
        session.lost(link);
        if (connection.link) void session.enter(connection.link);
      }
    },
    refused(error) {
      for (const session of sessions) {
        if (session.snapshot.state === 'joining') session.readiness.fail(error, false);
      }
    },
  });
  const { requests } = connection;
  const beats = createBeats(environment, connection, sessions);
  const shared: Shared = {
    environment,
    connection,
    throttleMillis: options.throttleMillis,
    selfId: () => self?.userId,
    touch: beats.touch,
    serial(name, run) {
      const turn = (queues.get(name) ?? Promise.resolve()).then(run, run);
      queues.set(name, turn);
      const done = () => queues.get(name) === turn && queues.delete(name);
      turn.then(done, done);
      return turn;
    },
    adopt: (session) => sessions.add(session),
    forget(session) {
      sessions.delete(session);
      facades.delete(session);
    },
  };

  function route(frame: Frame): void {
    if (frame.type !== 'error') {
      for (const session of [...sessions]) if (session.id === frame.sessionId) session.receive(frame);
      return;
    }
    const { link } = connection;
    if (frame['code'] === 'NOT_IN_SESSION' && link) for (const session of sessions) session.rejoin(link);
    // A cursor over the limit is dropped; the next one takes its place.
    else if (frame['code'] !== 'RATE_LIMITED') emit('error', errorOf(frame));
  }

  function add(target: Target, initial: OwnChange): SessionCore {
    const session = createSessionCore(shared, target, initial);
    sessions.add(session);
    facades.set(session, createSession(session, environment));
    return session;
  }

  function joinBy(target: Target, { data, status, activity }: JoinOptions): Session {
    const name = target.key ?? target.sessionId!;
    const known = [...sessions].find(
      ({ by, name: other, info }) =>
        by === (target.key === undefined ? 'id' : 'key') &&
        (other === name || info?.id === name || info?.sessionId === name),
    );
    const initial = JSON.parse(JSON.stringify({ data, status, activity })) as OwnChange;
    if (known) {
      // After a failure the same caller joins once more.
      if (!known.readiness.hasFailed) known.refs += 1;
      if (Object.keys(initial).length > 0) known.say(initial);
      connectUnlessClosed();
      return facades.get(known)!;
    }
    const session = add(target, initial);
    connectUnlessClosed();
    if (connection.link) void session.enter(connection.link);
    return facades.get(session)!;
  }

  function connectUnlessClosed(): void {
    if (connection.state === 'idle') connection.connect();
  }

  const ask = async <R>(message: Frame, signal: AbortSignal | undefined, field?: string): Promise<R> => {
    connectUnlessClosed();
    const reply = await requests.ask(message, { signal });
    return (field === undefined ? undefined : reply[field]) as R;
  };

  return {
    on,
    connect: connection.connect,
    close() {
      const { link } = connection;
      for (const { id, link: joined } of sessions) {
        if (link && joined === link) link.send({ type: 'session_leave', sessionId: id });
      }
      beats.stop();
      connection.close();
    },
    get state() {
      return connection.state;
    },
    get self() {
      return self;
    },
    join: (sessionId: string, options: JoinOptions = {}) => joinBy({ sessionId, invite: options.invite }, options),
    open: (key: string, options: OpenOptions = {}) =>
      joinBy({ key, invite: options.invite, metadata: options.metadata }, options),
    async create({ operationId, metadata, data, signal }: CreateOptions) {
      connectUnlessClosed();
      const message = { type: 'session_create', operationId, metadata, data };
      let session: SessionCore | undefined;
      const onReply = (reply: Frame) => {
        session = add({ sessionId: (reply['session'] as { id: string }).id }, {});
        session.entered(reply, connection.link!, { data: data as OwnChange['data'] });
        beats.start();
      };
      await requests.ask(message, { signal, repeatable: false, onReply });
      return facades.get(session!)!;
    },
    machines: {
      register: ({ machineId, name, metadata }, { signal } = {}) =>
        ask<Machine>({ type: 'machine_register', machineId, name, metadata }, signal, 'machine'),
      heartbeat: (machineId, time, { signal } = {}) =>
        ask<void>({ type: 'machine_heartbeat', machineId, time }, signal),
      list: ({ signal } = {}) => ask<Machine[]>({ type: 'machine_list' }, signal, 'machines'),
    },
  };
}
