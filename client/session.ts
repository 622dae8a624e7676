import type { CompactFrame } from '../protocol/compact.ts';
import type { GuestProof } from './credentials.ts';
import { createEmitter } from './emitter.ts';
import { notInSession, type RollcallError } from './errors.ts';
import type { Frame } from './gather.ts';
import type { Link } from './link.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { createOutbox } from './outbox.ts';
import { createOwn, type OwnChange, unannounced } from './own.ts';
import { type Change, type CursorAt, createPresence, type Diff, type Snapshot, type WireUser } from './presence.ts';
import { createPublisher } from './publisher.ts';
import { createReadiness } from './readiness.ts';
import type { AskOptions } from './requests.ts';
import type { SessionEvents } from './session-events.ts';
import type { Shared, Target } from './shared.ts';
import { createSnapshots, type Shown } from './store.ts';
import { createTimers, retryMillis } from './timers.ts';
import type { SessionInfo, User } from './types.ts';

export type SessionCore = ReturnType<typeof createSessionCore>;

/** How long to wait for the diffs before one that arrived early, in milliseconds. */
const overtakenMillis = 1000;

/** One session over successive sockets: it joins, keeps the state up to date and sends the user's own changes. */
export function createSessionCore(shared: Shared, target: Target, name: string, initial: OwnChange) {
  const { environment, connection, selfId } = shared;
  const { requests, credentials } = connection;
  const { on, emit } = createEmitter<SessionEvents & { change: undefined }>();
  const own = createOwn(initial);
  const presence = createPresence(environment);
  const shown: Shown = { state: 'joining', info: undefined, role: undefined };
  const show = createSnapshots(shown, presence, own, selfId);
  const timers = createTimers(environment);
  const readiness = createReadiness(timers);
  const report = (error: RollcallError) => emit('error', error);
  const outbox = createOutbox(environment, request, report, () => link);
  /** The socket on which this session is joined. */
  let link: Link | undefined;
  /** Whether the session is being joined on a newer socket. Meanwhile requests have the rights of the older one. */
  let isReplacing = false;
  /** The user as whom this session was joined last. */
  let enteredAs: string | undefined;
  let snapshot = show();
  const isOver = () => /left|ended/.test(shown.state);
  const id = () => shown.info?.id ?? target.sessionId ?? target.key!;
  let lastMe: WireUser | undefined;
  /** This user; the last known state if the service has timed them out. */
  const me = () => (lastMe = presence.users.get(selfId()!) ?? lastMe);
  const publisher = createPublisher(environment, connection, shared.throttleMillis, own, timers, {
    link: () => link,
    id,
    presence,
    timedOut: rejoin,
    user: me,
    confirmed(change) {
      const before = own.confirm(change);
      const isAlone = presence.users.size < 2 && me()?.connections === 1;
      presence.update({ ...unannounced(change, before, me(), isAlone), userId: selfId()! });
    },
    refused(error) {
      report(error);
      changed();
      sync();
    },
  });

  /** Sends a request about this session when the session is joined. */
  function request(message: Frame, options?: AskOptions): Promise<Frame> {
    if (isOver()) return Promise.reject(notInSession());
    // On another socket the session may not be joined yet, or with the rights of an older token.
    return requests.ask(message, { via: () => link, currentId: id, onReply: receive, ...options });
  }

  /** Notifies the application of changes, once per frame. */
  function changed(): void {
    const before = snapshot;
    snapshot = show();
    if (snapshot === before) return;
    if (snapshot.state !== before.state) emit('state', snapshot.state);
    if (snapshot.cursors !== before.cursors) emit('cursors', snapshot.cursors);
    emit('change', undefined);
  }

  function end(state: 'left' | 'ended', error: RollcallError): void {
    link = undefined;
    timers.stopAll();
    readiness.fail(error, true);
    shown.state = state;
    shared.sessions.delete(core);
    changed();
  }

  /** Joins on a socket. After a temporary failure it tries again while the socket is open. */
  async function enter(to: Link): Promise<void> {
    try {
      await shared.serial(name, async () => {
        if (!isOver() && link !== to && to.isOpen) await join(to);
      });
    } catch (failure) {
      const error = failure as RollcallError;
      if (isOver() || !to.isOpen) return;
      const isEntering = shown.state === 'joining';
      if (error.retryable || (error.code === 'INTERNAL' && !isEntering)) {
        if (!link) becomeStale();
        timers.wait('retry', error.retryAfterMillis ?? retryMillis, () => void enter(to));
        return;
      }
      end(error.code === 'SESSION_INACTIVE' ? 'ended' : 'left', error);
      // After the first join no promise is pending. So the event says why, for example that a new token does not cover the session.
      if (!isEntering) report(error);
    }
  }

  /** Joins again on this socket, because its membership has ended or may have ended. */
  function rejoin(on: Link): void {
    link = undefined;
    void enter(on);
  }

  /** Marks the last known state as stale. */
  function becomeStale(): void {
    if (shown.state === 'joined') shown.state = 'stale';
    changed();
  }

  async function join(to: Link): Promise<void> {
    const { key, metadata, invite } = target;
    const how = key === undefined ? { type: 'session_join', sessionId: id() } : { type: 'session_open', key, metadata };
    const change = own.take(false) ?? {};
    // If the old socket is still open, the service knows the user's state already.
    const said = own.forJoin(change, link?.isOpen ? undefined : me());
    let isWanted = true;
    isReplacing = link !== undefined;
    const onReply = (reply: Frame) => {
      own.confirm(change);
      isWanted = !isOver();
      if (isWanted) entered(reply, to, said);
    };
    const ask = (guest?: GuestProof) => requests.ask({ ...how, invite, guest, ...said }, { link: to, onReply });
    try {
      const reply = await (enteredAs === selfId() ? ask() : credentials.prove(ask));
      const { id: sessionId } = reply['session'] as SessionInfo;
      if (!isWanted) await requests.ask({ type: 'session_leave', sessionId }, { link: to });
    } catch (error) {
      own.repeat(change);
      throw error;
    } finally {
      isReplacing = false;
    }
  }

  function entered(reply: Frame, to: Link, said: OwnChange): void {
    target.invite = undefined;
    link = to;
    enteredAs = selfId();
    const { session: info, role = 'operator' } = reply as Frame & Shown & { session: SessionInfo };
    Object.assign(shown, { info, role, state: 'joined' });
    const [known, change, user] = [me(), presence.apply(reply as unknown as Snapshot), me()];
    if (user) own.complete(said, user, known);
    shared.joined(publisher);
    readiness.succeed();
    tell(change);
    for (const frame of early.splice(0)) receive(frame);
    void outbox.flush();
    requests.flush();
  }

  function tell({ joined, left, updated }: Change): void {
    const isOther = ({ userId }: WireUser) => userId !== selfId();
    changed();
    for (const { user, cause } of left) if (isOther(user)) emit('left', { user: user as User, cause });
    for (const user of joined) if (isOther(user)) emit('joined', { user: user as User });
    for (const user of updated) emit('updated', { user: user as User });
    publisher.flush();
  }

  function apply(frame: Snapshot | Diff): void {
    const [before, known, change] = [presence.epoch, me(), presence.apply(frame)];
    const told = change.updates.filter(({ userId }) => userId === selfId());
    for (const update of told) own.announced(update);
    // Before the reply of the join, frames are only collected.
    if (shown.state !== 'joined') return;
    const user = me();
    if (user && !isReplacing) shown.role = user.role;
    // The service lost its data or had given the person up, and with that what it does not keep elsewhere.
    const isBack = presence.epoch !== before || user?.joinedAt !== known?.joinedAt;
    if (user && known && isBack) own.restore(user, known, told);
    tell(change);
    const { epoch, waiting } = presence;
    if (waiting.some((diff) => diff.epoch !== epoch)) sync();
    else if (!waiting[0]) timers.stop('sync');
    else if (!timers.has('sync')) timers.wait('sync', overtakenMillis, sync);
  }

  // If it fails, the next heartbeat carries the last applied `seq`, and the service sends a snapshot.
  const sync = oneAtATime(() => request({ type: 'presence_sync' }));

  /** Frames that came before the answer to the join told which session this is. */
  const early: Frame[] = [];
  function receive(frame: Frame): void {
    const { type, reason } = frame as Frame & { reason: string };
    if (frame.sessionId !== id() && !shown.info) early.push(frame);
    else if (frame.sessionId !== id()) return;
    else if (/^presence_(diff|state)$/.test(type)) apply(frame as unknown as Diff);
    else if (type === 'cursors') {
      presence.move(frame['cursors'] as CursorAt[]);
      changed();
    } else if (type === 'pace') publisher.pace(frame['cursorMillis'] as number, frame['seconds'] as number);
    else if (type === 'broadcast') emit(type, frame as never);
    else if (type === 'activity') emit(type, frame['activity'] as never);
    else if (type === 'session_expiring') emit('expiring', frame as never);
    else if (type === 'session_activity') {
      const { active, activeAt: lastActiveAt } = frame;
      shown.info = { ...shown.info, active, lastActiveAt } as SessionInfo;
      changed();
    } else if (type === 'session_removed' && (reason !== 'signed_in' || credentials.isGuest))
      over('left', 'removed', reason);
    else if (/^session_(expired|ended)$/.test(type)) over('ended', type.slice(8) as 'expired' | 'ended', reason);
  }

  function over(state: 'left' | 'ended', event: 'removed' | 'expired' | 'ended', reason: string): void {
    if (isOver()) return;
    end(state, notInSession());
    emit(event, { reason });
  }

  const core = {
    on,
    name,
    enter,
    entered,
    receive,
    request,
    publisher,
    outbox,
    readiness,
    presence,
    /** Callers who have joined and not left. */
    refs: 1,
    get snapshot() {
      return snapshot;
    },
    get link() {
      return link;
    },
    get id() {
      return id();
    },
    subscribe: (listener: () => void) => on('change', listener),
    compact(frame: CompactFrame) {
      const isBehind = presence.moveCompact(frame);
      changed();
      if (isBehind) sync();
    },
    /** Changes the user's own state. */
    say(change: OwnChange) {
      if (isOver()) return;
      shared.touch();
      own.set(change);
      changed();
      publisher.flush();
    },
    linkLost(ended: Link) {
      // A session that joins again has no socket; it may have lost the one on which it does.
      if (link && link !== ended) return;
      link = undefined;
      timers.stop('flush');
      becomeStale();
    },
    rejoin,
    /** @returns whether the event was sent. */
    broadcast(event: string, payload: unknown, to: readonly string[] | undefined): boolean {
      if (!link) return false;
      shared.touch();
      request({ type: 'broadcast', event, payload, to }, { link }).catch(report);
      return true;
    },
    async leave(): Promise<void> {
      if (isOver()) return;
      const from = link;
      end('left', notInSession());
      const message = { type: 'session_leave', sessionId: id() };
      // If the message is lost, the service ends the seat when the socket ends.
      if (from) await shared.serial(name, () => requests.ask(message, { link: from })).catch(() => {});
    },
    async recover(signal: AbortSignal | undefined): Promise<void> {
      await requests.ask({ type: 'session_recover', sessionId: id() }, { signal });
      if (isOver()) {
        shown.state = 'joining';
        readiness.renew();
        shared.sessions.add(core);
        changed();
        if (connection.link) void enter(connection.link);
      }
      await readiness.promise;
    },
  };
  return core;
}
