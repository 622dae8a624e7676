import { decodeFrame, tagOf } from '../../../protocol/compact.ts';
import type { Cursor, PresenceUser } from '../../../protocol/entities.ts';
import { bearerPrefix, type ServerFrame, subprotocol } from '../../../protocol/frames.ts';
import type { Crowd, CrowdOptions, Ears, Member } from '../crowd.ts';
import { moveTo } from '../room.ts';
import { type CountedSocket, openSocket } from '../socket.ts';

interface Person {
  token: string;
  userId: string;
}

/** The heartbeat interval: a client sends a heartbeat if it sent nothing else for this long. */
const heartbeatMillis = 30_000;

/** Clients of Rollcall. The first one creates a session and the others join it. `url` is that of the HTTP API. */
export async function openRollcall({ url, room, format }: CrowdOptions): Promise<Crowd> {
  const people = await Promise.all(Array.from({ length: room.members }, (_, place) => introduce(url, place)));
  const places = new Map(people.map(({ userId }, place) => [userId, place]));
  const session = Promise.withResolvers<string>();
  return {
    async join(place, ears) {
      const person = new RollcallPerson(places, ears);
      const protocols = [subprotocol, `${bearerPrefix}${people[place]!.token}`];
      await person.open(`${url.replace('http', 'ws')}/live`, protocols);
      if (format === 'compact') await person.ask({ type: 'hello', format });
      if (place === 0) {
        const metadata = { isPublic: true, maxParticipants: room.members };
        const created = await person.ask({ type: 'session_create', operationId: 'bench', metadata });
        session.resolve((created as ServerFrame<'session_created'>).session.id);
      }
      const sessionId = await session.promise;
      if (place > 0) await person.ask({ type: 'session_join', sessionId });
      return person.member(sessionId, place);
    },
  };
}

async function introduce(url: string, place: number): Promise<Person> {
  const response = await fetch(`${url}/dev/token?user=load-${place}&name=Load${place}`);
  return (await response.json()) as Person;
}

class RollcallPerson {
  readonly #places: Map<string, number>;
  readonly #ears: Ears;
  /** User ids by their index in compact frames; snapshots and joins contain the index. */
  readonly #placeByIndex = new Map<number, number>();
  /** The last whole cursor of each user. A compact frame contains only its numbers. */
  readonly #tags = new Map<number, string>();
  #socket: CountedSocket | undefined;
  readonly #answers = new Map<string, { resolve: (frame: ServerFrame) => void; reject: (error: Error) => void }>();
  #requests = 0;

  constructor(places: Map<string, number>, ears: Ears) {
    this.#places = places;
    this.#ears = ears;
  }

  async open(url: string, protocols: string[]): Promise<void> {
    this.#socket = await openSocket(url, protocols, this.#ears, (message) => this.#hear(message.toString()));
  }

  ask(message: Record<string, unknown>): Promise<ServerFrame> {
    const requestId = String(++this.#requests);
    this.#socket!.send(JSON.stringify({ ...message, requestId }));
    return new Promise((resolve, reject) => this.#answers.set(requestId, { resolve, reject }));
  }

  member(sessionId: string, place: number): Member {
    let sentAt = performance.now() - (heartbeatMillis * place) / this.#places.size;
    const send = (message: object) => {
      sentAt = performance.now();
      this.#socket!.send(JSON.stringify(message));
    };
    const beat = setInterval(() => {
      if (performance.now() - sentAt >= heartbeatMillis) send({ type: 'heartbeat', sessionId });
    }, 1000);
    return {
      move: (position) => send({ type: 'cursor_update', sessionId, cursor: moveTo(position) }),
      close: () => {
        clearInterval(beat);
        this.#socket!.close();
      },
    };
  }

  #hear(text: string): void {
    if (text.startsWith('{')) this.#hearJson(text);
    else if (text !== '') this.#hearCompact(text);
  }

  #hearJson(text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    if (frame.type === 'cursors') for (const { userId, cursor } of frame.cursors) this.#hearMove(userId, cursor);
    if ('users' in frame) this.#meet(frame.users);
    if (frame.type === 'presence_diff') this.#meet(frame.joins);
    if (frame.requestId === undefined) return;
    const answer = this.#answers.get(frame.requestId);
    // An error of the gateway itself has the gateway's request id. The update counts as lost.
    if (!answer) return;
    if (frame.type === 'error') answer.reject(new Error(`${frame.code}: ${frame.message}`));
    else answer.resolve(frame);
  }

  #hearCompact(text: string): void {
    const { moves, whole } = decodeFrame(text)!;
    for (const { index, tag, numbers } of moves) {
      const place = this.#placeByIndex.get(index);
      if (place !== undefined && this.#tags.get(place) === tag) this.#ears.heard(place, numbers[0]!);
    }
    for (const { userId, cursor } of whole) {
      this.#tags.set(this.#places.get(userId)!, tagOf(cursor));
      this.#hearMove(userId, cursor);
    }
  }

  #hearMove(userId: string, cursor: Cursor): void {
    this.#ears.heard(this.#places.get(userId)!, cursor.position!);
  }

  #meet(users: PresenceUser[]): void {
    for (const { userId, index, cursor } of users) {
      const place = this.#places.get(userId)!;
      if (index !== undefined) this.#placeByIndex.set(index, place);
      if (cursor) this.#tags.set(place, tagOf(cursor));
    }
  }
}
