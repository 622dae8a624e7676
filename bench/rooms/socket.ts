import { once } from 'node:events';
import WebSocket from 'ws';
import type { MemberListener } from './crowd.ts';

/** A WebSocket whose traffic is counted. */
export interface CountedSocket {
  send(data: string | Uint8Array): void;
  close(): void;
}

/** Opens a socket; `received` takes each message. @throws Error if the server refuses. */
export async function openSocket(
  url: string,
  protocols: string[],
  listener: MemberListener,
  received: (message: Buffer, socket: CountedSocket) => void,
): Promise<CountedSocket> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  const counted: CountedSocket = {
    send(data) {
      if (socket.readyState !== WebSocket.OPEN) return;
      listener.sent(Buffer.byteLength(data));
      socket.send(data);
    },
    close: () => socket.close(),
  };
  socket.on('message', (message: Buffer) => {
    listener.received(message.length);
    received(message, counted);
  });
  await once(socket, 'open');
  // From now on, a broken socket is visible as lost updates.
  socket.on('error', () => {});
  return counted;
}
