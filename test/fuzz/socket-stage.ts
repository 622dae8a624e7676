import { randomUUID } from 'node:crypto';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import type { Ids } from './frame-text.ts';

/** The kinds of users of the stage. */
export const people = ['owner', 'commenter', 'viewer', 'guest', 'removed', 'stranger', 'claimed'] as const;
export type Person = (typeof people)[number];

/** Two private sessions on a running stack, and one connection of each kind of user. */
export class SocketStage {
  readonly #stack: TestStack;
  readonly #clients = new Map<Person, Arrived>();
  /** Different names in each stage, so that nobody is known from an earlier one. */
  readonly #run = randomUUID().slice(0, 8);
  #ids!: Ids;

  private constructor(stack: TestStack) {
    this.#stack = stack;
  }

  static async make(stack: TestStack): Promise<SocketStage> {
    const stage = new SocketStage(stack);
    await stage.#make();
    return stage;
  }

  get ids(): Ids {
    return this.#ids;
  }

  /** The open connection of a person. If the service or the gateway has closed it, the person comes back. */
  async client(person: Person): Promise<Arrived> {
    const known = this.#clients.get(person);
    if (known && known.socket.readyState === known.socket.OPEN) return known;
    const client = await this.#connect(person);
    const isMember = ['owner', 'commenter', 'viewer', 'guest'].includes(person);
    // A frame may have ended their participation; then they stay outside.
    if (known && isMember) await client.ask({ type: 'session_join', sessionId: this.#ids.sessionId });
    return client;
  }

  /** @returns how many connections were open. */
  async close(): Promise<number> {
    const open = [...this.#clients.values()].filter(({ socket }) => socket.readyState === socket.OPEN);
    await Promise.all(open.map((client) => client.close()));
    return open.length;
  }

  async #make(): Promise<void> {
    const key = `doc-${this.#run}`;
    const [owner, stranger, removed, commenter, viewer] = [
      await this.#connect('owner'),
      await this.#connect('stranger'),
      await this.#connect('removed'),
      await this.#connect('commenter'),
      await this.#connect('viewer'),
    ];
    const opened = { type: 'session_open', key, metadata: { isPublic: false } };
    const { session } = await owner.expect('session_opened', opened);
    const sessionId = session.id;
    const invite = (role: string) => owner.expect('invite_created', { type: 'invite_create', sessionId, role });
    const join = async (client: Arrived, role: string) => {
      const made = await invite(role);
      await client.expect('session_joined', { type: 'session_join', sessionId, invite: made.invite });
    };
    await join(commenter, 'commenter');
    await join(viewer, 'viewer');
    await join(removed, 'operator');
    await owner.expect('ack', { type: 'participant_remove', sessionId, userId: removed.userId });
    const theirs = await stranger.expect('session_created', { type: 'session_create', operationId: 'theirs' });
    const made: ServerFrame<'invite_created'> = await invite('viewer');
    this.#ids = {
      ...{ sessionId, sessionName: session.sessionId, key, invite: made.invite, inviteId: made.inviteId },
      ...{ foreignId: theirs.session.id, foreignName: theirs.session.sessionId },
      ...{ ownerId: owner.userId, guestId: '' },
    };
    const guest = await this.#connect('guest');
    this.#ids.guestId = guest.userId;
    await guest.expect('session_joined', { type: 'session_join', sessionId });
    await this.#connect('claimed');
  }

  async #connect(person: Person): Promise<Arrived> {
    const name = `${person}-${this.#run}`;
    const sessions = person === 'claimed' ? ({ 'other-*': 'operator' } as const) : undefined;
    const client =
      person === 'guest'
        ? await this.#stack.arriveAsGuest(this.#ids.invite, name, `${this.#run}-secret-of-the-browser-of-a-guest`)
        : await this.#stack.arrive(name, sessions);
    this.#clients.set(person, client);
    return client;
  }
}
