/**
 * The lower limit for comparison: one process that forwards each frame to all others in the room and does nothing else.
 */
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (sender) => {
  sender.on('message', (frame) => {
    for (const receiver of server.clients) {
      if (receiver !== sender && receiver.readyState === WebSocket.OPEN) receiver.send(frame, { binary: false });
    }
  });
});
server.once('listening', () => console.log(`ready ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
