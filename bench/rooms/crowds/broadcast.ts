import { v5 } from 'uuid';
import type { OpenCrowd } from '../crowd.ts';
import { type Move, plainFrame } from '../room.ts';
import { openSocket } from '../socket.ts';

/** Any ids would work. They are UUIDs, so that the frames have the same size as those of the others. */
const namespace = 'a54f0b63-91d6-4d31-9d6c-0e2a5a3f6f0e';

/** Clients of a server that forwards plain frames. */
export const openBroadcast: OpenCrowd = async ({ url, room }) => {
  const ids = Array.from({ length: room.members }, (_, place) => v5(String(place), namespace));
  const places = new Map(ids.map((id, place) => [id, place]));
  return {
    async join(place, ears) {
      const socket = await openSocket(url, [], ears, (message) => {
        const { userId, cursor } = JSON.parse(message.toString()) as { userId: string; cursor: Move };
        ears.heard(places.get(userId)!, cursor.position);
      });
      return { move: (position) => socket.send(plainFrame(ids[place]!, position)), close: socket.close };
    },
  };
};
