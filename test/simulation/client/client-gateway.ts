import { claimsOf } from '../../../client/testing/token.ts';
import type { Gateway, PostResult } from '../../../lambdas/delivery/gateway.ts';
import { bearerPrefix } from '../../../protocol/frames.ts';
import { messages } from '../../../protocol/messages.ts';
import type { ClientWorld } from './client-world.ts';
import type { Device } from './device.ts';
import type { SimulatedSocket } from './simulated-socket.ts';

interface Connection {
  id: string;
  userId: string;
  socket: SimulatedSocket;
  device: Device;
  /** The state of the connection in the gateway. */
  isOpen: boolean;
  /** When the last frame that was sent arrives. */
  arrivesAt: number;
}

interface Message {
  type: keyof typeof messages;
  sessionId?: string;
  hidden?: boolean;
}

const utf8 = new TextDecoder();

/** API Gateway and the authorizer for the real client: text over sockets whose network path may end without notice. */
export class ClientGateway implements Gateway {
  readonly #world: ClientWorld;
  readonly #connections = new Map<string, Connection>();
  readonly #bySocket = new Map<SimulatedSocket, Connection>();
  /** The revoked tokens. */
  readonly withdrawn = new Set<string>();
  #count = 0;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  accepts(token: string): boolean {
    return !this.withdrawn.has(token) && (claimsOf(token)?.exp ?? 0) * 1000 > this.#world.clock.now;
  }

  /** A handshake begins. */
  dial(device: Device, socket: SimulatedSocket): void {
    const world = this.#world;
    world.clock.after(this.#travel(), () =>
      socket.path.carry(() => {
        const answer = world.handshakesOf(device);
        if (answer === 'none') return;
        const token = socket.protocols.find((each) => each.startsWith(bearerPrefix))?.slice(bearerPrefix.length) ?? '';
        this.#judge(token);
        if (answer === 'refused' || !this.accepts(token)) this.#refuse(socket);
        else this.#letIn(device, socket, claimsOf(token)!.sub);
      }),
    );
  }

  /** A client sent a frame. */
  take(socket: SimulatedSocket, text: string): void {
    const world = this.#world;
    const connection = this.#bySocket.get(socket);
    if (!connection) return;
    const message = JSON.parse(text) as Message;
    world.note(() => `${connection.id} sends ${text}`);
    world.recorder.sent(connection.device, message);
    // Frames of one socket arrive in their order; then each invocation starts after a random delay.
    connection.arrivesAt = Math.max(world.clock.now + this.#travel(), connection.arrivesAt);
    world.clock.after(connection.arrivesAt - world.clock.now, () =>
      socket.path.carry(() => {
        const event = { ...this.#event(connection, message.type), body: text, isBase64Encoded: false };
        const times = world.faulty && world.random.chance(world.profile.doubled) ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
          world.clock.after(world.random.int(0, 30), () => this.#handle(connection, event, message));
        }
      }),
    );
  }

  #handle(connection: Connection, event: object, message: Message): void {
    const world = this.#world;
    if (!connection.isOpen) return;
    world.recorder.heard(connection.userId, message);
    world.environments.invoke(messages[message.type].group, event, (answer) => {
      if (answer.body) this.#deliver(connection, answer.body);
    });
  }

  /** The browser closed a socket, or it broke and the gateway notices. */
  closedBy(socket: SimulatedSocket, code: number): void {
    const connection = this.#bySocket.get(socket);
    if (!connection?.isOpen) return;
    this.#world.clock.after(this.#travel(), () => {
      if (socket.path.isAlive && !connection.device.isCut) this.#end(connection, code);
      else this.#noticeLater(connection);
    });
  }

  /** Makes the gateway notice each ended path at a random later time. */
  noticeDead(): void {
    for (const connection of this.#connections.values()) {
      if (connection.isOpen && !connection.socket.path.isAlive) this.#noticeLater(connection);
    }
  }

  /** The gateway closes each connection of a device, as at the end of two hours. */
  closeAll(device: Device): void {
    for (const connection of this.#connections.values()) {
      if (!connection.isOpen || connection.device !== device) continue;
      this.#end(connection, 1001);
      this.#world.clock.after(this.#travel(), () => connection.socket.path.carry(() => connection.socket.end(1001)));
    }
  }

  /** Whether a connection of the device can carry frames to the service. */
  canHear(device: Device): boolean {
    return [...this.#connections.values()].some(
      (connection) => connection.device === device && connection.isOpen && connection.socket.path.isAlive,
    );
  }

  post(connectionId: string, bytes: Uint8Array): Promise<PostResult> {
    const world = this.#world;
    const text = utf8.decode(bytes);
    return world.call('post', (): PostResult => {
      const connection = this.#connections.get(connectionId);
      if (!connection?.isOpen) return 'gone';
      const { profile, random, faulty } = world;
      if (faulty && random.chance(profile.refusals)) return random.chance(0.5) ? 'throttled' : 'failed';
      const isLost = faulty && random.chance(profile.lost);
      if (isLost) world.note(() => `${connectionId} never gets ${text}`);
      else this.#deliver(connection, text);
      if (faulty && random.chance(profile.doubled)) this.#deliver(connection, text);
      return 'delivered';
    });
  }

  #judge(token: string): void {
    const { exp = 0 } = claimsOf(token) ?? {};
    if (exp !== 0 && exp * 1000 <= this.#world.clock.now) this.#world.violate('[row 5] an expired token is sent');
  }

  #refuse(socket: SimulatedSocket): void {
    this.#world.note('a handshake is refused');
    this.#world.clock.after(this.#travel(), () => socket.path.carry(() => socket.end(1006)));
  }

  #letIn(device: Device, socket: SimulatedSocket, userId: string): void {
    const world = this.#world;
    const id = `c${++this.#count}-${world.short(userId)}`;
    const connection: Connection = { id, userId, socket, device, isOpen: true, arrivesAt: 0 };
    world.environments.invoke('connect', this.#event(connection, '$connect'), ({ statusCode }) => {
      if (statusCode !== 200) return this.#refuse(socket);
      this.#connections.set(id, connection);
      this.#bySocket.set(socket, connection);
      world.note(`${id} is accepted`);
      world.clock.after(this.#travel(), () => {
        socket.path.carry(() => socket.open());
        // The client has aborted the attempt.
        if (socket.readyState > 1) this.closedBy(socket, 1006);
      });
    });
  }

  #deliver(connection: Connection, text: string): void {
    const world = this.#world;
    const { socket, id } = connection;
    const isLate = world.faulty && world.random.chance(world.profile.late);
    world.clock.after(isLate ? world.random.int(100, 4000) : this.#travel(), () =>
      socket.path.carry(() => {
        world.note(() => `${id} gets ${text}`);
        socket.receive(this.#shorten(text));
      }),
    );
  }

  /** Some worlds have connections shorter than two hours. */
  #shorten(text: string): string {
    const { rolloverSeconds } = this.#world.profile;
    if (!rolloverSeconds || !text.startsWith('{"type":"welcome"')) return text;
    return JSON.stringify({ ...JSON.parse(text), rolloverSeconds });
  }

  #noticeLater(connection: Connection): void {
    this.#world.clock.after(this.#world.random.int(1000, 60_000), () => this.#end(connection, 1006));
  }

  #end(connection: Connection, code: number): void {
    const world = this.#world;
    const { profile, random, clock } = world;
    if (!connection.isOpen) return;
    connection.isOpen = false;
    connection.device.sockets.delete(connection.socket);
    if (world.faulty && random.chance(profile.disconnectLost)) {
      world.note(`$disconnect of ${connection.id} is lost`);
      return;
    }
    const times = world.faulty && random.chance(profile.disconnectDoubled) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      const late = world.faulty && random.chance(profile.disconnectLate) ? random.int(200, 20_000) : random.int(0, 60);
      const event = this.#event(connection, '$disconnect');
      event.requestContext.disconnectStatusCode = code;
      clock.after(late, () => {
        world.note(`$disconnect of ${connection.id}, ${code}`);
        world.environments.invoke('disconnect', event);
      });
    }
  }

  #travel(): number {
    return this.#world.random.int(2, 40);
  }

  #event({ id, userId }: Connection, routeKey: string) {
    return {
      requestContext: {
        connectionId: id,
        routeKey,
        authorizer: { userId, username: `name of ${userId}` },
        requestTimeEpoch: this.#world.clock.now,
        disconnectStatusCode: undefined as number | undefined,
      },
    };
  }
}
