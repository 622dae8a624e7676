import type { ServerFrame } from '../../protocol/frames.ts';
import type { ClientMessage } from '../../protocol/messages.ts';
import { RoomView } from './room-view.ts';
import type { Ending } from './simulated-gateway.ts';
import type { World } from './world.ts';

/** The state of a session in one tab. */
interface Room {
  wanted: boolean;
  joined: boolean;
  /** When the answer to the join arrived. */
  joinedAt: number;
  view: RoomView;
  /** The running request of each type. */
  asked: Map<RequestType, string>;
}
type RequestType = 'session_join' | 'session_leave' | 'presence_sync';

const patienceMillis = 2500;
/** The types of messages with `order` (rule PR18). */
const orderedTypes: readonly string[] = [
  ...['presence_update', 'cursor_update', 'heartbeat', 'session_join', 'session_leave'],
];

/** One browser tab: it joins, sends heartbeats and cursors, leaves, returns, and shows the received state. */
export class SimulatedClient {
  readonly userId: string;
  readonly name: string;
  readonly rooms = new Map<string, Room>();
  connectionId = '';
  open = false;
  idle = false;
  readonly #world: World;
  #connections = 0;
  #requests = 0;
  #order = 0;
  /** The last cursor of the present connection in each session since its join. */
  readonly shown = new Map<string, { position?: number }>();
  /** The sessions that the present connection ever requested. */
  #askedFor = new Set<string>();

  constructor(world: World, userId: string, name: string) {
    this.#world = world;
    this.userId = userId;
    this.name = name;
  }

  connect(): void {
    this.#connections += 1;
    this.connectionId = `${this.name}-${this.#connections}`;
    this.#askedFor = new Set();
    this.#order = 0;
    this.shown.clear();
    this.#world.note(`${this.connectionId} connects`);
    this.#world.gateway.connect(this, this.connectionId);
  }

  opened(connectionId: string, accepted: boolean): void {
    if (connectionId !== this.connectionId) return;
    if (!accepted) {
      this.connect();
      return;
    }
    this.open = true;
    for (const [sessionId, room] of this.rooms) {
      room.view = new RoomView();
      if (room.wanted) this.ask(sessionId, 'session_join');
    }
    this.#beat(connectionId);
  }

  /** Ends the socket; the next one joins the `wanted` sessions again. */
  end(ending: Ending): void {
    if (!this.open) return;
    this.#world.noteThere(this);
    this.open = false;
    this.#world.note(`${this.connectionId} ends: ${ending}`);
    for (const room of this.rooms.values()) {
      room.joined = false;
      room.asked.clear();
    }
    this.#world.gateway.end(this.connectionId, ending);
  }

  join(sessionId: string): void {
    const room = this.rooms.get(sessionId);
    if (room?.joined || room?.asked.has('session_leave')) return;
    this.rooms.set(sessionId, { wanted: true, joined: false, joinedAt: 0, view: new RoomView(), asked: new Map() });
    if (this.open) this.ask(sessionId, 'session_join');
  }

  leave(sessionId: string): void {
    const room = this.rooms.get(sessionId);
    if (!room?.joined) return;
    room.wanted = false;
    this.shown.delete(sessionId);
    this.ask(sessionId, 'session_leave');
  }

  /** Joins and leaves without waiting for answers, as React's StrictMode does. Only the last frame counts. */
  comeAndGo(sessionId: string, frames: number): void {
    const types = Array.from({ length: frames }, (_, index) => (index % 2 === 0 ? 'session_leave' : 'session_join'));
    const last = types.pop() as 'session_leave' | 'session_join';
    for (const type of types) this.send({ type, sessionId, requestId: `${++this.#requests}` } as ClientMessage);
    const wanted = last === 'session_join';
    this.shown.delete(sessionId);
    this.rooms.set(sessionId, { wanted, joined: false, joinedAt: 0, view: new RoomView(), asked: new Map() });
    this.ask(sessionId, last);
  }

  /** Sends a request and repeats it until it is answered. */
  ask(sessionId: string, type: RequestType): void {
    const room = this.rooms.get(sessionId)!;
    const requestId = `${++this.#requests}`;
    const connectionId = this.connectionId;
    room.asked.set(type, requestId);
    this.send({ type, sessionId, requestId });
    this.#world.clock.after(patienceMillis, () => {
      // A later join replaces this request; repeating it would undo a later leave.
      const isCurrent = this.connectionId === connectionId && this.rooms.get(sessionId) === room;
      const waiting = isCurrent && room.asked.get(type) === requestId;
      if (waiting && this.open) this.ask(sessionId, type);
    });
  }

  send(message: ClientMessage): void {
    if (!this.open) return;
    if ('sessionId' in message) this.#askedFor.add(message.sessionId);
    const ordered = orderedTypes.includes(message.type) ? { ...message, order: ++this.#order } : message;
    if (message.type === 'cursor_update') this.#showed(message);
    this.#world.note(() => `${this.connectionId} sends ${JSON.stringify(ordered)}`);
    this.#world.gateway.send(this.connectionId, ordered);
  }

  /** A cursor belongs to the stay in which it was sent; a new stay has none. */
  #showed({ sessionId, cursor }: ClientMessage<'cursor_update'>): void {
    const room = this.rooms.get(sessionId);
    if (room?.joined && room.wanted) this.shown.set(sessionId, { position: cursor?.position });
  }

  /** Records a refused post, because the client cannot show a frame that it did not get. */
  missed(frame: ServerFrame): void {
    this.#world.note(`${this.connectionId} misses ${frame.type}`);
    this.#world.losses += 1;
  }

  receive(connectionId: string, frame: ServerFrame): void {
    if (!this.open || connectionId !== this.connectionId) return;
    this.#world.note(() => `${connectionId} receives ${JSON.stringify(frame)}`);
    const sessionId = 'session' in frame ? frame.session.id : 'sessionId' in frame ? frame.sessionId : undefined;
    const room = sessionId === undefined ? this.#roomOfRequest(frame) : this.rooms.get(sessionId);
    if (sessionId !== undefined && !this.#askedFor.has(sessionId)) {
      this.#world.violate(`[DE1] ${connectionId} gets a ${frame.type} of a session it never asked for`);
    }
    if (room) this.#apply(sessionId ?? this.#sessionOf(room), room, frame);
  }

  #apply(sessionId: string, room: Room, frame: ServerFrame): void {
    switch (frame.type) {
      case 'session_joined':
        if (room.asked.get('session_join') !== frame.requestId) return;
        room.asked.delete('session_join');
        room.joined = true;
        room.joinedAt = this.#world.clock.now;
        if (!room.view.show(frame)) this.#sync(sessionId, room);
        return;
      case 'presence_state':
        // Without a request, the server noticed that this client missed a change.
        if (frame.requestId !== undefined && room.asked.get('presence_sync') !== frame.requestId) return;
        room.asked.delete('presence_sync');
        if (!room.view.show(frame)) this.#sync(sessionId, room);
        return;
      case 'presence_diff':
        if (!room.view.apply(frame) && room.joined) this.#sync(sessionId, room);
        return;
      case 'cursors':
        if (frame.cursors.some(({ userId }) => userId === this.userId)) {
          this.#world.violate(`[DE1] ${this.connectionId} gets its own cursor`);
        }
        room.view.move(frame);
        return;
      case 'session_left':
        if (room.asked.get('session_leave') === frame.requestId) this.#left(room);
        return;
      case 'error':
        this.#refused(sessionId, room, frame);
        return;
      default:
        this.#world.violate(`${this.connectionId} gets an unexpected ${frame.type}`);
    }
  }

  #left(room: Room): void {
    room.asked.clear();
    room.joined = false;
    room.view = new RoomView();
  }

  #refused(sessionId: string, room: Room, { code, requestId, message }: ServerFrame<'error'>): void {
    const [type] = [...room.asked].find(([, asked]) => asked === requestId) ?? [];
    if (code === 'INTERNAL' && !this.#world.troubled) this.#world.violate(`[FA6] ${code}: ${message}`);
    if (code !== 'NOT_IN_SESSION') return;
    if (type === 'session_leave') {
      this.#left(room);
      return;
    }
    room.asked.clear();
    room.joined = false;
    this.shown.delete(sessionId);
    if (room.wanted) this.ask(sessionId, 'session_join');
  }

  #sync(sessionId: string, room: Room): void {
    if (!room.asked.has('presence_sync')) this.ask(sessionId, 'presence_sync');
  }

  #beat(connectionId: string): void {
    if (!this.open || connectionId !== this.connectionId) return;
    for (const [sessionId, room] of this.rooms) {
      const { epoch, seq } = room.view;
      if (room.joined) this.send({ type: 'heartbeat', sessionId, idle: this.idle, epoch, seq });
    }
    this.#world.clock.after(this.#world.timings.heartbeatMillis, () => this.#beat(connectionId));
  }

  #roomOfRequest({ requestId }: ServerFrame): Room | undefined {
    if (requestId === undefined) return undefined;
    return [...this.rooms.values()].find((room) => [...room.asked.values()].includes(requestId));
  }

  #sessionOf(room: Room): string {
    return [...this.rooms].find(([, each]) => each === room)![0];
  }
}
