import type { Role } from '../protocol/entities.ts';
import { callSafely, createEmitter } from './emitter.ts';
import { RollcallError } from './errors.ts';
import type { Frame } from './gather.ts';
import type { Link } from './link.ts';
import { createOutbox } from './outbox.ts';
import { createOwn, type OwnChange } from './own.ts';
import type { Change, CursorAt, Diff, Snapshot, WireUser } from './presence.ts';
import { createReadiness } from './readiness.ts';
import type { AskOptions } from './requests.ts';
import type { SessionEvents } from './session-events.ts';
import type { Shared, Target } from './shared.ts';
import { createStore } from './store.ts';
import { createTeller } from './teller.ts';
import { createTimers } from './timers.ts';

export type SessionCore = ReturnType<typeof createSessionCore>;

/** A diff that is ahead may only have overtaken the one before it. */
const overtakenMillis = 1000;
const retryMillis = 2000;

/** One session across all sockets: joining, keeping the state true, telling the person's own changes. */
export function createSessionCore(shared: Shared, target: Target, initial: OwnChange) {
  const { environment, connection } = shared;
  const { requests } = connection;
  const { on, emit } = createEmitter<SessionEvents>();
  const own = createOwn(initial);
  const store = createStore(own, shared.selfId);
  const timers = createTimers(environment);
  const readiness = createReadiness(timers);
  const listeners = new Set<() => void>();
  const name = target.key ?? target.sessionId!;
  const report = (error: RollcallError) => emit('error', error);
  const outbox = createOutbox(environment, request, report);
  /** The socket on which this session is joined. */
  let link: Link | undefined;
  let shown = store.snapshot();
  let isSyncing = false;
  const isOver = () => store.state === 'left' || store.state === 'ended';
  const id = () => store.info?.id ?? name;
  const me = () => store.presence.users.get(shared.selfId() ?? '');
  const teller = createTeller(environment, connection, shared.throttleMillis, own, timers, {
    link: () => link,
    id,
    presence: () => store.presence,
    isAlone: () => shown.others.length === 0,
    refused(error) {
      report(error);
      changed();
    },
  });

  /** A request about this session; it waits until the session is joined. */
  function request(message: Frame, options: AskOptions = {}): Promise<Frame> {
    if (isOver()) {
      return Promise.reject(new RollcallError('NOT_IN_SESSION', 'You are not in this session; join it first.'));
    }
    const gate = () => store.state === 'joined';
    return requests.ask({ ...message, sessionId: id() }, { gate, ...options });
  }

  /** Tells the application what changed, once for all of a frame. */
  function changed(): void {
    const before = shown;
    shown = store.snapshot();
    if (shown === before) return;
    if (shown.state !== before.state) emit('state', shown.state);
    if (shown.cursors !== before.cursors) emit('cursors', shown.cursors);
    for (const listener of [...listeners]) callSafely(listener, undefined);
  }

  function end(state: 'left' | 'ended', error: RollcallError): void {
    link = undefined;
    timers.stopAll();
    readiness.fail(error, true);
    store.state = state;
    shared.forget(core);
    changed();
  }

  /** Joins on a socket; where that fails for now it is tried again while the socket lives. */
  async function enter(to: Link): Promise<void> {
    try {
      await shared.serial(name, () => (isOver() || link === to || !to.isOpen ? Promise.resolve() : join(to)));
    } catch (failure) {
      const error = failure as RollcallError;
      if (isOver() || !to.isOpen) return;
      if (error.code === 'UNAVAILABLE' || (error.code === 'INTERNAL' && store.state === 'stale')) {
        return timers.wait('retry', error.retryAfterMillis ?? retryMillis, () => void enter(to));
      }
      if (store.state !== 'joining') report(error);
      end(error.code === 'SESSION_INACTIVE' ? 'ended' : 'left', error);
    }
  }

  async function join(to: Link): Promise<void> {
    const { key, metadata, invite } = target;
    const how = key === undefined ? { type: 'session_join', sessionId: id() } : { type: 'session_open', key, metadata };
    const change = own.take(false) ?? {};
    // On a second socket beside a living one nothing of the person has to be said again.
    const said = own.forJoin(change, link?.isOpen ? undefined : me());
    let isWanted = true;
    const onReply = (reply: Frame) => {
      own.confirm(change);
      isWanted = !isOver();
      if (isWanted) entered(reply, to, said);
    };
    try {
      const reply = await requests.ask({ ...how, invite, ...said }, { link: to, onReply });
      const { id: sessionId } = reply['session'] as { id: string };
      if (!isWanted) await requests.ask({ type: 'session_leave', sessionId }, { link: to });
    } catch (error) {
      own.repeat(change);
      throw error;
    }
  }

  function entered(reply: Frame, to: Link, said: OwnChange): void {
    target.invite = undefined;
    link = to;
    store.info = reply['session'] as never;
    store.role = (reply['role'] as Role) ?? 'operator';
    store.state = 'joined';
    const change = store.apply(reply as unknown as Snapshot);
    own.complete(said, me());
    teller.sent();
    readiness.succeed();
    tell(change);
    outbox.flush();
    requests.flush();
  }

  function tell({ joined, left, updated }: Change): void {
    const isOther = ({ userId }: WireUser) => userId !== shared.selfId();
    changed();
    const view = (user: WireUser) => ({ user: store.view(user) });
    for (const { user, cause } of left) if (isOther(user)) emit('left', { ...view(user), cause });
    for (const user of joined) if (isOther(user)) emit('joined', view(user));
    for (const user of updated) emit('updated', view(user));
    teller.flush();
  }

  function apply(frame: Snapshot | Diff): void {
    const change = store.apply(frame);
    // Before the answer of the join these only wait for it.
    if (store.state !== 'joined') return;
    tell(change);
    const { epoch, waiting } = store.presence;
    if (waiting.some((diff) => diff.epoch !== epoch)) sync();
    else if (waiting.length === 0) timers.stop('sync');
    else if (!timers.has('sync')) timers.wait('sync', overtakenMillis, sync);
  }

  function sync(): void {
    if (isSyncing) return;
    isSyncing = true;
    request({ type: 'presence_sync' })
      .then((reply) => apply(reply as unknown as Snapshot))
      .catch((error: RollcallError) => {
        // The next heartbeat says what was applied, and the service answers with the state.
        if (!error.retryable && !isOver()) report(error);
      })
      .finally(() => {
        isSyncing = false;
      });
  }

  function receive(frame: Frame): void {
    const { type, reason } = frame as Frame & { reason: string };
    if (type === 'presence_diff' || type === 'presence_state') apply(frame as unknown as Diff);
    else if (type === 'cursors') move(frame['cursors'] as CursorAt[]);
    else if (type === 'broadcast') emit(type, frame as never);
    else if (type === 'activity') emit(type, frame['activity'] as never);
    else if (type === 'session_expiring') emit('expiring', { expiresAt: frame['expiresAt'] as number });
    else if (type === 'session_activity') setInfo({ active: frame['active'], lastActiveAt: frame['activeAt'] });
    else if (type === 'session_updated') setInfo(frame['session'] as object);
    else if (type === 'session_removed') over('left', 'removed', reason);
    else if (type === 'session_expired') over('ended', 'expired', reason);
    else if (type === 'session_ended') over('ended', 'ended', reason);
  }

  function move(cursors: readonly CursorAt[]): void {
    store.move(cursors);
    changed();
  }

  function setInfo(fields: object): void {
    store.info = { ...store.info, ...fields } as never;
    changed();
  }

  function over(state: 'left' | 'ended', event: 'removed' | 'expired' | 'ended', reason: string): void {
    if (isOver()) return;
    end(state, new RollcallError('SESSION_INACTIVE', 'The session is over.'));
    emit(event, { reason });
  }

  const core = {
    on,
    name,
    enter,
    entered,
    receive,
    request,
    teller,
    outbox,
    readiness,
    over,
    report,
    /** How many callers have joined and not left. */
    refs: 1,
    get snapshot() {
      return shown;
    },
    get link() {
      return link;
    },
    get presence() {
      return store.presence;
    },
    get id() {
      return store.info?.id;
    },
    get info() {
      return store.info;
    },
    by: target.key === undefined ? 'id' : 'key',
    subscribe(listener: () => void) {
      const call = () => listener();
      listeners.add(call);
      return () => void listeners.delete(call);
    },
    compact(frame: Parameters<typeof store.read>[0]) {
      const { cursors, isBehind } = store.read(frame);
      move(cursors);
      if (isBehind) sync();
    },
    /** The person changes something of themselves. */
    say(change: OwnChange) {
      if (isOver()) return;
      shared.touch();
      own.set(change);
      changed();
      teller.flush();
    },
    /** The socket ended; what is shown stays and is marked. */
    lost(ended: Link) {
      if (link !== ended) return;
      link = undefined;
      timers.stop('flush');
      own.lost();
      store.state = 'stale';
      changed();
    },
    /** The service says that this socket is not in the session. */
    rejoin(on: Link) {
      if (link === on) link = undefined;
      void enter(on);
    },
    /** @returns whether it was handed to the connection. */
    broadcast(event: string, payload: unknown, to: readonly string[] | undefined): boolean {
      if (!link?.isOpen) return false;
      shared.touch();
      requests.ask({ type: 'broadcast', sessionId: id(), event, payload, to }, { link }).catch(report);
      return true;
    },
    async leave(): Promise<void> {
      if (isOver()) return;
      const from = link;
      end('left', new RollcallError('NOT_IN_SESSION', 'You left the session.'));
      if (!from?.isOpen) return;
      await shared.serial(name, () => requests.ask({ type: 'session_leave', sessionId: id() }, { link: from }));
    },
    async recover(signal: AbortSignal | undefined): Promise<void> {
      await requests.ask({ type: 'session_recover', sessionId: id() }, { signal });
      store.state = 'joining';
      readiness.renew();
      shared.adopt(core);
      changed();
      if (connection.link) void enter(connection.link);
      await readiness.promise;
    },
  };
  return core;
}
