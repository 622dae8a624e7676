import { v5 } from 'uuid';
import type { OpenCrowd } from '../crowd.ts';
import { type Move, plainFrame } from '../room.ts';
import { openSocket } from '../socket.ts';

const namespace = 'a54f0b63-91d6-4d31-9d6c-0e2a5a3f6f0e';
/** Packet prefixes of Socket.IO 5 in Engine.IO 4 over WebSocket. */
const packets = { open: '0', ping: '2', pong: '3', connect: '40', event: '42' } as const;

/** Clients of two socket.io nodes, alternating. `url` contains both addresses, separated by a comma. */
export const openSocketIo: OpenCrowd = async ({ url, room }) => {
  const nodes = url.split(',');
  const ids = Array.from({ length: room.members }, (_, place) => v5(String(place), namespace));
  const places = new Map(ids.map((id, place) => [id, place]));
  return {
    async join(place, ears) {
      const joined = Promise.withResolvers<void>();
      const address = `${nodes[place % nodes.length]}/socket.io/?EIO=4&transport=websocket`;
      const socket = await openSocket(address, [], ears, (message, { send }) => {
        const text = message.toString();
        if (text.startsWith(packets.event)) {
          const [, frame] = JSON.parse(text.slice(2)) as [string, { userId: string; cursor: Move }];
          ears.heard(places.get(frame.userId)!, frame.cursor.position);
        } else if (text.startsWith(packets.connect)) joined.resolve();
        else if (text.startsWith(packets.ping)) send(packets.pong);
        else if (text.startsWith(packets.open)) send(packets.connect);
      });
      await joined.promise;
      const move = (position: number) => socket.send(`${packets.event}["cursor",${plainFrame(ids[place]!, position)}]`);
      return { move, close: socket.close };
    },
  };
};
