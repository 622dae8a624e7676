import { randomUUID } from 'node:crypto';
import type { ServerSocket } from '../../../client/testing/device.ts';
import { createTestRollcall } from '../../../client/testing/index.ts';
import { tokenFor } from '../../../client/testing/token.ts';
import { bearerPrefix } from '../../../protocol/frames.ts';
import type { Fields, Side } from './side.ts';

const tokenSeconds = 30 * 86_400;

/** The service in memory of `@rollcall/client/testing`. */
export function memorySide(): Side {
  const rollcall = createTestRollcall();
  return {
    async connect(name, { userId = randomUUID(), claim, invite, secret = randomUUID() } = {}) {
      const received: Fields[] = [];
      const socket: ServerSocket = {
        send: (text) => received.push(JSON.parse(text)),
        close() {},
        onText() {},
        onClose() {},
      };
      const exp = rollcall.now() / 1000 + tokenSeconds;
      const token = tokenFor({ sub: userId, name, exp, rollcall: claim && { sessions: claim } });
      const query = new URLSearchParams(invite === undefined ? {} : { invite, name, guest: secret });
      const protocols = invite === undefined ? [bearerPrefix + token] : [];
      const status = rollcall.service.accept(`ws://rollcall.test/live?${query}`, protocols, socket);
      if (status !== undefined) throw new Error(`The handshake was refused with ${status}.`);
      const ask = async (type: string, fields: object = {}) => {
        socket.onText(JSON.stringify({ type, ...fields, requestId: 'r' }));
        const place = received.findIndex(({ requestId }) => requestId === 'r');
        const [{ requestId: _, ...answer } = { requestId: undefined }] = received.splice(place, 1);
        return answer;
      };
      const welcome: Fields = await ask('hello');
      return { userId: welcome['userId'], ask, heard: received, close: () => socket.onClose(1000) };
    },
    wait: rollcall.advance,
    close: async () => rollcall.close(),
  };
}
