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
  const ids = Array.from({ length: room.members }, (_, memberIndex) => v5(String(memberIndex), namespace));
  const memberIndexes = new Map(ids.map((id, memberIndex) => [id, memberIndex]));
  return {
    async join(memberIndex, listener) {
      const joined = Promise.withResolvers<void>();
      const address = `${nodes[memberIndex % nodes.length]}/socket.io/?EIO=4&transport=websocket`;
      const socket = await openSocket(address, [], listener, (message, { send }) => {
        const text = message.toString();
        if (text.startsWith(packets.event)) {
          const [, frame] = JSON.parse(text.slice(2)) as [string, { userId: string; cursor: Move }];
          listener.heard(memberIndexes.get(frame.userId)!, frame.cursor.position);
        } else if (text.startsWith(packets.connect)) joined.resolve();
        else if (text.startsWith(packets.ping)) send(packets.pong);
        else if (text.startsWith(packets.open)) send(packets.connect);
      });
      await joined.promise;
      const move = (position: number) =>
        socket.send(`${packets.event}["cursor",${plainFrame(ids[memberIndex]!, position)}]`);
      return { move, close: socket.close };
    },
  };
};
