import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type AnyFrame, TestClient } from '../support/client.ts';
import { timeLimits } from '../support/time-limits.ts';

/** An activity that the service has confirmed. */
export interface Confirmed {
  activityId: string;
  /** When it was sent and when it was confirmed, in Unix milliseconds. */
  sent: number;
  confirmed: number;
}

interface Room {
  sessionId: string;
  owner: TestClient;
  guests: TestClient[];
  userIds: string[];
}

/** The code of an error, or what API Gateway says instead of a function. */
function answerOf(reply: AnyFrame | Error): string {
  if (!(reply instanceof Error)) return reply.type === 'error' ? reply.code : String(reply.type);
  return /"message":"([^"]*)"/.exec(reply.message)?.[1] ?? 'no answer';
}

/** The type of the activities that owners log. */
export const drilledActivity = 'drilled';
const actionMillis = 250;
const heartbeatMillis = 1000;

/** Users in sessions who act during a drill. Nobody leaves, so each leave that somebody is told is wrong. */
export class Crowd {
  readonly confirmed: Confirmed[] = [];
  /** Requests that had to be repeated, by the answer. */
  readonly repeated = new Map<string, number>();
  readonly rooms: Room[] = [];
  readonly #stack: { http: string; websocket: string };
  #acting: Promise<void>[] = [];
  #isOver = false;

  private constructor(stack: { http: string; websocket: string }) {
    this.#stack = stack;
  }

  /** Lets users create and join sessions, and act until `stop`. */
  static async gather(stack: { http: string; websocket: string }, rooms = 3, guests = 2): Promise<Crowd> {
    const crowd = new Crowd(stack);
    for (let room = 1; room <= rooms; room += 1) crowd.rooms.push(await crowd.#fill(room, guests));
    crowd.#acting = crowd.rooms.flatMap((room) => [
      crowd.#act(room),
      ...[room.owner, ...room.guests].map((client) => crowd.#stayPresent(client, room.sessionId)),
    ]);
    return crowd;
  }

  get users(): number {
    return this.rooms.reduce((sum, { userIds }) => sum + userIds.length, 0);
  }

  /** Lets a new user join the first session, as often as it takes. @returns the milliseconds until it worked. */
  async newcomer(name: string): Promise<number> {
    const began = Date.now();
    const { sessionId, userIds } = this.rooms[0]!;
    for (;;) {
      const client = await TestClient.connect(this.#stack, name).catch(() => undefined);
      const joined = await client?.askOnce({ type: 'session_join', sessionId }).catch(() => undefined);
      if (client && joined?.type === 'session_joined') {
        const welcome = await client.expect('welcome', { type: 'hello' });
        userIds.push(welcome.userId);
        this.rooms[0]!.guests.push(client);
        this.#acting.push(this.#stayPresent(client, sessionId));
        return Date.now() - began;
      }
      client?.cut();
      this.#note(joined?.type === 'error' ? joined.code : 'no connection');
      await pause(actionMillis);
    }
  }

  /**
   * Sends a handshake with an invite. On a busy machine a store may be too slow for it; after a 503 it is repeated.
   *
   * @returns the guest, or the status of the refusal.
   */
  async knock(invite: string): Promise<{ guest?: TestClient; refusal?: number }> {
    const query = new URLSearchParams({ invite, name: 'Guest' });
    const until = Date.now() + timeLimits.event;
    for (;;) {
      const guest = new TestClient(`${this.#stack.websocket}?${query}`);
      const status = new Promise<number>((resolve) => {
        guest.socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
      });
      const refusal = await Promise.race([guest.opened().then(() => undefined), status]);
      if (refusal === undefined) return { guest };
      if (refusal !== 503 || Date.now() > until) return { refusal };
    }
  }

  /** Waits until each owner got a confirmation for something sent from now on. @returns the milliseconds that the last one took. */
  async allConfirmed(): Promise<number> {
    const began = Date.now();
    const already = new Map(this.rooms.map((room) => [room, this.#of(room)]));
    while (this.rooms.some((room) => this.#of(room) <= already.get(room)! + 1)) await pause(20);
    return Date.now() - began;
  }

  /** Waits until each user sees all users of their session. @returns the milliseconds that it took. */
  async allSeen(): Promise<number> {
    const began = Date.now();
    for (const { owner, guests, sessionId, userIds } of this.rooms) {
      for (const client of [owner, ...guests]) {
        for (;;) {
          const reply = await client.ask({ type: 'presence_sync', sessionId });
          const seen = 'users' in reply ? (reply.users as { userId: string }[]).map(({ userId }) => userId) : [];
          if (userIds.every((id) => seen.includes(id))) break;
          if (Date.now() - began > timeLimits.event)
            throw new Error(`Not all users are seen: ${JSON.stringify(reply)}`);
          await pause(50);
        }
      }
    }
    return Date.now() - began;
  }

  /** How often a user was told that somebody left. */
  falseLeaves(): number {
    const clients = this.rooms.flatMap(({ owner, guests }) => [owner, ...guests]);
    return clients.flatMap((client) => client.framesOf('presence_diff').flatMap(({ leaves }) => leaves)).length;
  }

  /** Stops acting. The connections stay. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#acting);
  }

  /** Ends all connections, and waits for no answer. */
  leave(): void {
    this.#isOver = true;
    for (const { owner, guests } of this.rooms) for (const client of [owner, ...guests]) client.cut();
  }

  readonly #counts = new Map<Room, number>();
  readonly #of = (room: Room) => this.#counts.get(room) ?? 0;

  async #fill(number: number, guests: number): Promise<Room> {
    const owner = await TestClient.connect(this.#stack, `owner-${number}`);
    const ids = [(await owner.expect('welcome', { type: 'hello' })).userId];
    const create = { type: 'session_create', operationId: randomUUID(), metadata: { isPublic: true } };
    const { session } = await owner.expect('session_created', create);
    const clients: TestClient[] = [];
    for (let guest = 1; guest <= guests; guest += 1) {
      const client = await TestClient.connect(this.#stack, `guest-${number}-${guest}`);
      ids.push((await client.expect('welcome', { type: 'hello' })).userId);
      await client.expect('session_joined', { type: 'session_join', sessionId: session.id });
      clients.push(client);
    }
    return { sessionId: session.id, owner, guests: clients, userIds: ids };
  }

  async #act(room: Room): Promise<void> {
    const { owner, sessionId } = room;
    while (!this.#isOver) {
      const activityId = randomUUID();
      const sent = Date.now();
      const message = { type: 'activity_log', sessionId, activityType: drilledActivity, activityId };
      for (;;) {
        // A client repeats a request with the same id until it is confirmed.
        const reply = await owner.askOnce(message).catch((error: Error) => error);
        if (!(reply instanceof Error) && reply.type === 'activity_logged') break;
        this.#note(answerOf(reply));
        await pause(actionMillis / 2);
      }
      this.confirmed.push({ activityId, sent, confirmed: Date.now() });
      this.#counts.set(room, this.#of(room) + 1);
      await pause(actionMillis);
    }
  }

  async #stayPresent(client: TestClient, sessionId: string): Promise<void> {
    while (!this.#isOver) {
      client.send({ type: 'heartbeat', sessionId });
      await pause(heartbeatMillis);
    }
  }

  #note(answer: string): void {
    this.repeated.set(answer, (this.repeated.get(answer) ?? 0) + 1);
  }
}
