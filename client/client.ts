import { machineCalls, methodsOf } from './calls.ts';
import type {
  Client,
  ClientEvents,
  ClientOptions,
  CreateOptions,
  JoinOptions,
  Machines,
  OpenOptions,
  Self,
} from './client-api.ts';
import { createConnection } from './connection.ts';
import { createEmitter } from './emitter.ts';
import { createEnvironment, type Environment } from './environment.ts';
import type { Frame } from './gather.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { Link } from './link.ts';
import type { OwnChange } from './own.ts';
import { errorOf } from './requests.ts';
import { createSessionCore, type SessionCore } from './session.ts';
import type { Session } from './session-api.ts';
import { createSession } from './session-facade.ts';
import type { Joining, Shared, Target } from './shared.ts';
import type { Registered, SessionInfo, Types } from './types.ts';

/**
 * A client of Rollcall. Nothing is connected before `connect`, or the first `join`, `open` or `create`.
 *
 * @example
 * import { createClient } from '@rollcall/client';
 *
 * const token = () => fetch('/rollcall-token').then((reply) => reply.text());
 * const client = createClient<{ data: { colour: string } }>({ url: 'wss://example.org/live', token });
 * const session = client.open('document-42', { data: { colour: 'teal' } });
 */
export function createClient<T extends Types = Registered>(options: ClientOptions<T>): Client<T> {
  return createClientIn(createEnvironment(), options as ClientOptions) as unknown as Client<T>;
}

/** The same in a given environment; tests give one with a virtual clock. */
export function createClientIn(environment: Environment, options: ClientOptions): Client {
  const { on, emit } = createEmitter<ClientEvents>();
  const sessions = new Set<SessionCore>();
  const facades = new WeakMap<SessionCore, Session>();
  const queues = new Map<string, Promise<unknown>>();
  let self: Self | undefined;

  const connection = createConnection(options, environment, {
    state: (state) => emit('state', state),
    error: (error) => emit('error', error),
    welcomed({ userId, username }) {
      self = { userId, username };
    },
    async move(link) {
      await Promise.all([...sessions].map((session) => session.enter(link)));
      heartbeats.start();
    },
    frame: route,
    compact(frame) {
      for (const session of sessions) if (session.presence.epoch.startsWith(frame.alias)) session.compact(frame);
    },
    isUsed: (link) => [...sessions].some((session) => session.link === link),
    sent: (frame) => heartbeats.sent(frame),
    linkLost(link) {
      for (const session of sessions) {
        session.linkLost(link);
        if (connection.link) void session.enter(connection.link);
      }
    },
    refused(error) {
      for (const { snapshot, readiness } of sessions) if (snapshot.state === 'joining') readiness.fail(error);
    },
  });
  const { requests } = connection;
  const heartbeats = createHeartbeats(environment, connection, sessions);
  const shared: Shared = {
    environment,
    connection,
    sessions,
    throttleMillis: options.throttleMillis,
    selfId: () => self?.userId,
    touch: heartbeats.touch,
    joined: heartbeats.joined,
    serial(name, run) {
      const turn = (queues.get(name) ?? Promise.resolve()).then(run, run);
      queues.set(name, turn);
      const done = () => queues.get(name) === turn && queues.delete(name);
      turn.then(done, done);
      return turn;
    },
  };

  function route(frame: Frame): void {
    const { link } = connection;
    // API Gateway sends frames without a type if it could not run the function.
    const { type = 'error', code, retryable = !frame.type } = frame;
    if (type !== 'error') {
      for (const session of [...sessions]) session.receive(frame);
    } else if (code === 'NOT_IN_SESSION' && link) {
      for (const session of sessions) session.rejoin(link);
    } else {
      // Only cursors and heartbeats are sent without a request id, so the error may be about a cursor.
      if (retryable) for (const { publisher } of sessions) publisher.repeatCursor();
      if (frame.type && code !== 'RATE_LIMITED') emit('error', errorOf(frame));
    }
  }

  function add(target: Target, name: string, initial: OwnChange): SessionCore {
    const session = createSessionCore(shared, target, name, initial);
    sessions.add(session);
    facades.set(session, createSession(session, environment));
    return session;
  }

  function joinBy(target: Target, { invite, data, status, activity, isComponent }: Joining): Session {
    const { key, sessionId } = target;
    const name = key === undefined ? sessionId! : `key ${key}`;
    // A session has a UUID and a name, and a join may use either of them.
    const isMeant = ({ name: known, snapshot: { info } }: SessionCore) =>
      known === name || (info && [info.id, info.sessionId].includes(name));
    const initial = JSON.parse(JSON.stringify({ data, status, activity })) as OwnChange;
    let session = [...sessions].find(isMeant);
    if (session) {
      // After a failure this call may be a retry of the same caller, who is already counted. A component does not retry.
      if (!session.readiness.retry() || isComponent) session.refs += 1;
      if (Object.keys(initial).length) session.say(initial);
    } else session = add({ ...target, invite }, name, initial);
    begin();
    if (connection.link) void session.enter(connection.link);
    return facades.get(session)!;
  }

  /** Connects if needed, unless the application closed the client. */
  function begin(): void {
    if (connection.state === 'idle') connection.connect();
  }

  const ask: typeof requests.ask = (message, options) => {
    begin();
    return requests.ask(message, options);
  };

  return {
    on,
    connect: connection.connect,
    signIn: connection.signIn,
    close() {
      for (const { id, link } of sessions) link?.send({ type: 'session_leave', sessionId: id });
      heartbeats.stop();
      connection.close();
    },
    get state() {
      return connection.state;
    },
    get self() {
      return self;
    },
    join: (sessionId: string, options: JoinOptions = {}) => joinBy({ sessionId }, options),
    open: (key: string, options: OpenOptions = {}) => joinBy({ key, metadata: options.metadata }, options),
    async create({ operationId, metadata, data, signal }: CreateOptions) {
      let session: SessionCore | undefined;
      const onReply = (reply: Frame, link: Link) => {
        const { id: sessionId } = reply['session'] as SessionInfo;
        session = add({ sessionId }, sessionId, {});
        session.entered(reply, link, { data: data as OwnChange['data'] });
        // The socket may have been replaced since the request was sent.
        if (connection.link) void session.enter(connection.link);
        heartbeats.start();
      };
      await ask({ type: 'session_create', operationId, metadata, data }, { signal, repeatable: false, onReply });
      return facades.get(session!)!;
    },
    machines: methodsOf(machineCalls, ask) as unknown as Machines,
  };
}
