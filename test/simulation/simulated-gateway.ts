import type { Gateway, PostResult } from '../../lambdas/delivery/gateway.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { messages } from '../../protocol/messages.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { World } from './world.ts';

/** How a socket ends. After `power` the gateway is not informed. */
export type Ending = 'clean' | 'cut' | 'power';

interface Socket {
  connectionId: string;
  client: SimulatedClient;
  /** The state of the connection in the gateway. */
  open: boolean;
}

const utf8 = new TextDecoder();

/** API Gateway: frames are delayed and may arrive out of order, and `$disconnect` may get lost. */
export class SimulatedGateway implements Gateway {
  readonly #world: World;
  readonly #frames = new WeakMap<Uint8Array, ServerFrame>();
  readonly #sockets = new Map<string, Socket>();

  constructor(world: World) {
    this.#world = world;
  }

  connect(client: SimulatedClient, connectionId: string): void {
    const world = this.#world;
    const socket: Socket = { connectionId, client, open: true };
    this.#sockets.set(connectionId, socket);
    world.clock.after(this.#travel(), () =>
      world.environments.invoke('connect', this.#event(socket, '$connect'), ({ statusCode }) => {
        world.clock.after(this.#travel(), () => client.opened(connectionId, statusCode === 200));
      }),
    );
  }

  send(connectionId: string, message: { type: keyof typeof messages; requestId?: string }): void {
    const world = this.#world;
    const socket = this.#sockets.get(connectionId)!;
    world.clock.after(this.#travel(), () => {
      if (!socket.open) return;
      const event = { ...this.#event(socket, message.type), body: JSON.stringify(message), isBase64Encoded: false };
      world.environments.invoke(messages[message.type].group, event, (answer) => {
        if (answer.body) this.#deliver(socket, JSON.parse(answer.body) as ServerFrame);
      });
    });
  }

  /** The client's side of a socket has ended. */
  end(connectionId: string, ending: Ending): void {
    const world = this.#world;
    const { profile, random, clock } = world;
    const socket = this.#sockets.get(connectionId)!;
    const noticed = ending === 'power' ? random.int(2000, 12_000) : 0;
    clock.after(noticed, () => {
      socket.open = false;
      if (world.faulty && random.chance(profile.disconnectLost))
        return world.note(`$disconnect of ${connectionId} is lost`);
      const times = world.faulty && random.chance(profile.disconnectDoubled) ? 2 : 1;
      for (let time = 0; time < times; time += 1) {
        const late = world.faulty && random.chance(profile.disconnectLate) ? random.int(200, 6000) : random.int(0, 60);
        const event = this.#event(socket, '$disconnect');
        event.requestContext.disconnectStatusCode = ending === 'clean' ? 1001 : 1006;
        clock.after(late, () => {
          world.note(`$disconnect of ${connectionId}`);
          world.environments.invoke('disconnect', event);
        });
      }
    });
  }

  post(connectionId: string, bytes: Uint8Array): Promise<PostResult> {
    const world = this.#world;
    const frame = this.#read(bytes);
    return world.call(`post ${frame.type} to ${connectionId}`, (): PostResult => {
      const socket = this.#sockets.get(connectionId);
      if (!socket?.open) {
        world.note(`post ${frame.type} to ${connectionId}: gone`);
        return 'gone';
      }
      if (world.faulty && world.random.chance(world.profile.refusals)) {
        socket.client.missed(frame);
        return world.random.chance(0.5) ? 'throttled' : 'failed';
      }
      world.told.note(connectionId, frame);
      this.#deliver(socket, frame);
      return 'delivered';
    });
  }

  /** Receivers of one frame share its bytes. */
  #read(bytes: Uint8Array): ServerFrame {
    const known = this.#frames.get(bytes);
    const frame = known ?? (JSON.parse(utf8.decode(bytes)) as ServerFrame);
    if (!known) this.#frames.set(bytes, frame);
    return frame;
  }

  async close(connectionId: string): Promise<void> {
    const socket = this.#sockets.get(connectionId);
    if (socket) socket.open = false;
  }

  #deliver(socket: Socket, frame: ServerFrame): void {
    this.#world.clock.after(this.#travel(), () => socket.client.receive(socket.connectionId, frame));
  }

  #travel(): number {
    return this.#world.random.int(2, 40);
  }

  #event(socket: Socket, routeKey: string) {
    const { userId } = socket.client;
    return {
      requestContext: {
        connectionId: socket.connectionId,
        routeKey,
        authorizer: { userId, username: `name of ${userId}` },
        requestTimeEpoch: this.#world.clock.now,
        disconnectStatusCode: undefined as number | undefined,
      },
    };
  }
}
