import { v5 } from 'uuid';
import type { OpenCrowd } from '../crowd.ts';
import { type Move, plainFrame } from '../room.ts';
import { openSocket } from '../socket.ts';

/** Any ids would work. They are UUIDs, so that the frames have the same size as those of the others. */
const namespace = 'a54f0b63-91d6-4d31-9d6c-0e2a5a3f6f0e';

/** Clients of a server that forwards plain frames. */
export const openBroadcast: OpenCrowd = async ({ url, room }) => {
  const ids = Array.from({ length: room.members }, (_, memberIndex) => v5(String(memberIndex), namespace));
  const memberIndexes = new Map(ids.map((id, memberIndex) => [id, memberIndex]));
  return {
    async join(memberIndex, listener) {
      const socket = await openSocket(url, [], listener, (message) => {
        const { userId, cursor } = JSON.parse(message.toString()) as { userId: string; cursor: Move };
        listener.heard(memberIndexes.get(userId)!, cursor.position);
      });
      return { move: (position) => socket.send(plainFrame(ids[memberIndex]!, position)), close: socket.close };
    },
  };
};
