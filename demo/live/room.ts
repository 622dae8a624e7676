import type { Cursor, Role, Session, Status } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame, ServerFrames } from '../../protocol/frames.ts';
import type { ClientMessage } from '../../protocol/messages.ts';
import type { Connection, Welcome } from './connection.ts';
import { CursorSender } from './cursor-sender.ts';
import { Heartbeat } from './heartbeat.ts';
import {
  type Applied,
  applyCursors,
  applyDiff,
  applyOwnChange,
  applySnapshot,
  emptyPresence,
  type Movement,
  type PresenceState,
} from './presence-state.ts';

export interface RoomEvents {
  changed: (room: Room) => void;
  moved: (movement: Movement) => void;
  /** The session has ended for this user. No more events follow. */
  ended: (error: RollcallError) => void;
  /** An error to show to the user. The room continues. */
  failed: (error: RollcallError) => void;
  expiring: (expiresAt: number) => void;
}

type Entered = Pick<
  ServerFrames['session_joined'],
  'session' | 'epoch' | 'seq' | 'users' | 'part' | 'parts' | 'snapshotId'
> & {
  role?: Role;
};

/** A session that this page takes part in, also after reconnects. */
export class Room {
  readonly connection: Connection;
  readonly selfId: string;
  readonly #invite: string | undefined;
  readonly #events: RoomEvents;
  readonly #cursors: CursorSender;
  #heartbeat: Heartbeat | undefined;
  #state: PresenceState = emptyPresence;
  #session: Session;
  #chosen: Status = 'online';
  #activity: string | undefined;
  #lastSentAt = Date.now();
  /** Whether the user was active since the last frame. */
  #inputSeen = true;
  #over = false;
  #syncing = false;

  constructor(
    connection: Connection,
    welcome: Welcome,
    entered: Entered,
    invite: string | undefined,
    events: RoomEvents,
  ) {
    this.connection = connection;
    this.selfId = welcome.userId;
    this.#session = entered.session;
    this.#invite = invite;
    this.#events = events;
    this.#cursors = new CursorSender({
      intervalMillis: welcome.batchMillis,
      alone: () => this.others.length === 0,
      send: (cursor) => this.#send({ type: 'cursor_update', sessionId: this.id, cursor }),
      now: Date.now,
    });
    this.#enter(welcome, entered);
  }

  get id(): string {
    return this.#session.id;
  }

  get session(): Session {
    return this.#session;
  }

  get state(): PresenceState {
    return this.#state;
  }

  get others(): string[] {
    return [...this.#state.users.keys()].filter((userId) => userId !== this.selfId);
  }

  /** The status that the user chose. `away` ends with their next activity [PR5]. */
  get chosen(): Status {
    return this.#chosen;
  }

  /** Records that the user did something on the page and is not idle. */
  touch(): void {
    this.#inputSeen = true;
  }

  point(cursor: Cursor): void {
    this.touch();
    if (this.#chosen === 'away') {
      this.#chosen = 'online';
      this.#ownChange({ status: 'online' });
    }
    this.#cursors.move(cursor);
  }

  /** @throws RollcallError if the server refuses it or does not answer. */
  async choose(status: Status): Promise<void> {
    await this.#tell({ status });
    this.#chosen = status;
    this.#ownChange({ status });
  }

  /** @param text empty: no activity. @throws RollcallError as above. */
  async describe(text: string): Promise<void> {
    const activity = text.trim() || null;
    await this.#tell({ activity });
    this.#activity = activity ?? undefined;
    this.#ownChange({ activity });
  }

  /** A link for another person. For a session that is not public it contains an invite. */
  async link(origin: string): Promise<string> {
    const url = new URL(`/?session=${this.id}`, origin);
    if (!this.#session.isPublic) {
      const message = { type: 'invite_create', sessionId: this.id, role: 'commenter' } as const;
      url.searchParams.set('invite', (await this.connection.request('invite_created', message)).invite);
    }
    return url.href;
  }

  /** @throws RollcallError if the message was not sent; then others see the leave after the grace. */
  async leave(): Promise<void> {
    this.stop();
    await this.connection.request('session_left', { type: 'session_leave', sessionId: this.id });
  }

  stop(): void {
    this.#over = true;
    this.#heartbeat?.stop();
    this.#cursors.stop();
  }

  /** After a reconnect, joins again and sends the state that the server may have lost. */
  async rejoin(welcome: Welcome): Promise<void> {
    if (this.#over) return;
    try {
      const message: ClientMessage = { type: 'session_join', sessionId: this.id, invite: this.#invite };
      this.#enter(welcome, await this.connection.request('session_joined', message));
      const own = this.#state.users.get(this.selfId);
      if (this.#chosen !== 'online' || own?.activity !== this.#activity) {
        await this.#tell({ status: this.#chosen, activity: this.#activity ?? null });
        this.#ownChange({ status: this.#chosen, activity: this.#activity ?? null });
      }
    } catch (error) {
      this.#failed(error, () => void this.rejoin(welcome));
    }
  }

  receive(frame: ServerFrame): void {
    if (this.#over || !('sessionId' in frame) || frame.sessionId !== this.id) return;
    switch (frame.type) {
      case 'presence_diff':
        this.#apply(applyDiff(this.#state, frame));
        return;
      case 'presence_state':
        this.#apply(applySnapshot(this.#state, frame));
        return;
      case 'cursors':
        this.#state = applyCursors(this.#state, frame.cursors);
        this.#events.changed(this);
        return;
      case 'session_updated':
        this.#session = frame.session;
        this.#events.changed(this);
        return;
      case 'session_expiring':
        this.#events.expiring(frame.expiresAt);
        return;
      case 'session_expired':
        this.#end('SESSION_INACTIVE', 'This session expired because nobody was active; create a new one.');
        return;
      case 'session_ended':
        this.#end('SESSION_INACTIVE', 'The owner ended this session; create a new one to continue.');
        return;
      case 'session_removed':
        this.#end('PERMISSION_DENIED', 'The owner removed you from this session; ask them for a new invitation.');
    }
  }

  #enter(welcome: Welcome, entered: Entered): void {
    this.#session = entered.session;
    this.#lastSentAt = Date.now();
    this.#heartbeat?.stop();
    this.#heartbeat = new Heartbeat({
      intervalMillis: welcome.heartbeatSeconds * 1000,
      lastSentAt: () => this.#lastSentAt,
      send: () => this.#beat(),
      now: Date.now,
    });
    this.#apply(applySnapshot(this.#state, entered));
    this.#cursors.repeat();
  }

  #apply({ state, movements, outOfStep }: Applied): void {
    this.#state = state;
    for (const movement of movements) this.#events.moved(movement);
    if (movements.some(({ kind, user }) => kind === 'joined' && user.userId !== this.selfId)) this.#cursors.repeat();
    this.#events.changed(this);
    if (outOfStep) void this.#sync();
  }

  async #sync(): Promise<void> {
    if (this.#syncing || this.#over) return;
    this.#syncing = true;
    try {
      const snapshot = await this.connection.request('presence_state', { type: 'presence_sync', sessionId: this.id });
      this.#syncing = false;
      this.#apply(applySnapshot(this.#state, snapshot));
    } catch (error) {
      this.#syncing = false;
      this.#failed(error, () => void this.#sync());
    }
  }

  #beat(): void {
    const cursor = this.#cursors.latest;
    const idle = !this.#inputSeen;
    const { epoch, seq, gathering } = this.#state;
    // Epoch and seq let the server notice that this page missed the last diff.
    const known = epoch === '' ? {} : { epoch, seq };
    if (!this.#send({ type: 'heartbeat', sessionId: this.id, idle, ...known, ...(cursor ? { cursor } : {}) })) return;
    this.#cursors.carried();
    // A part that has not arrived by now is lost.
    if (gathering) void this.#sync();
  }

  #send(message: ClientMessage): boolean {
    if (this.#over || !this.connection.send(message)) return false;
    this.#lastSentAt = Date.now();
    this.#inputSeen = false;
    return true;
  }

  async #tell(change: { status?: Status; activity?: string | null }): Promise<void> {
    await this.connection.request('ack', { type: 'presence_update', sessionId: this.id, ...change });
    this.#lastSentAt = Date.now();
  }

  /** The server posts nothing to a session with one connection, so the page applies its own changes itself. */
  #ownChange(change: { status?: Status; activity?: string | null }): void {
    this.#state = applyOwnChange(this.#state, { userId: this.selfId, ...change });
    this.#events.changed(this);
  }

  /**
   * Retries after a retryable error while the connection is open, because a new connection joins again anyway. Any
   * other error ends the room.
   */
  #failed(error: unknown, again: () => void): void {
    if (!(error instanceof RollcallError)) throw error;
    if (error.code !== 'UNAVAILABLE' && error.code !== 'RATE_LIMITED') {
      this.stop();
      this.#events.ended(error);
      return;
    }
    this.#events.failed(error);
    if (this.connection.state === 'online') setTimeout(again, error.retryAfterMillis ?? 2000);
  }

  #end(code: 'SESSION_INACTIVE' | 'PERMISSION_DENIED', message: string): void {
    this.stop();
    this.#events.ended(new RollcallError(code, message));
  }
}
