import { decodeFrame, tagOf } from '../../../protocol/compact.ts';
import type { Cursor, PresenceUser } from '../../../protocol/entities.ts';
import { bearerPrefix, type ServerFrame, subprotocol } from '../../../protocol/frames.ts';
import type { Crowd, CrowdOptions, Member, MemberListener } from '../crowd.ts';
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
  const people = await Promise.all(
    Array.from({ length: room.members }, (_, memberIndex) => introduce(url, memberIndex)),
  );
  const memberIndexes = new Map(people.map(({ userId }, memberIndex) => [userId, memberIndex]));
  const session = Promise.withResolvers<string>();
  return {
    async join(memberIndex, listener) {
      const person = new RollcallPerson(memberIndexes, listener);
      const protocols = [subprotocol, `${bearerPrefix}${people[memberIndex]!.token}`];
      await person.open(`${url.replace('http', 'ws')}/live`, protocols);
      if (format === 'compact') await person.ask({ type: 'hello', format });
      if (memberIndex === 0) {
        const metadata = { isPublic: true, maxParticipants: room.members };
        const created = await person.ask({ type: 'session_create', operationId: 'bench', metadata });
        session.resolve((created as ServerFrame<'session_created'>).session.id);
      }
      const sessionId = await session.promise;
      if (memberIndex > 0) await person.ask({ type: 'session_join', sessionId });
      return person.member(sessionId, memberIndex);
    },
  };
}

async function introduce(url: string, memberIndex: number): Promise<Person> {
  const response = await fetch(`${url}/dev/token?user=load-${memberIndex}&name=Load${memberIndex}`);
  return (await response.json()) as Person;
}

class RollcallPerson {
  readonly #memberIndexes: Map<string, number>;
  readonly #listener: MemberListener;
  /** User ids by their index in compact frames; snapshots and joins contain the index. */
  readonly #placeByIndex = new Map<number, number>();
  /** The last whole cursor of each user. A compact frame contains only its numbers. */
  readonly #tags = new Map<number, string>();
  #socket: CountedSocket | undefined;
  readonly #answers = new Map<string, { resolve: (frame: ServerFrame) => void; reject: (error: Error) => void }>();
  #requests = 0;

  constructor(memberIndexes: Map<string, number>, listener: MemberListener) {
    this.#memberIndexes = memberIndexes;
    this.#listener = listener;
  }

  async open(url: string, protocols: string[]): Promise<void> {
    this.#socket = await openSocket(url, protocols, this.#listener, (message) => this.#hear(message.toString()));
  }

  ask(message: Record<string, unknown>): Promise<ServerFrame> {
    const requestId = String(++this.#requests);
    this.#socket!.send(JSON.stringify({ ...message, requestId }));
    return new Promise((resolve, reject) => this.#answers.set(requestId, { resolve, reject }));
  }

  member(sessionId: string, memberIndex: number): Member {
    let sentAt = performance.now() - (heartbeatMillis * memberIndex) / this.#memberIndexes.size;
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
      const memberIndex = this.#placeByIndex.get(index);
      if (memberIndex !== undefined && this.#tags.get(memberIndex) === tag)
        this.#listener.heard(memberIndex, numbers[0]!);
    }
    for (const { userId, cursor } of whole) {
      this.#tags.set(this.#memberIndexes.get(userId)!, tagOf(cursor));
      this.#hearMove(userId, cursor);
    }
  }

  #hearMove(userId: string, cursor: Cursor): void {
    this.#listener.heard(this.#memberIndexes.get(userId)!, cursor.position!);
  }

  #meet(users: PresenceUser[]): void {
    for (const { userId, index, cursor } of users) {
      const memberIndex = this.#memberIndexes.get(userId)!;
      if (index !== undefined) this.#placeByIndex.set(index, memberIndex);
      if (cursor) this.#tags.set(memberIndex, tagOf(cursor));
    }
  }
}
