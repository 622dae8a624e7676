/** `@y/websocket-server` as its own command line starts it, on a free port. */
import { createServer } from 'node:http';
import { setupWSConnection } from '@y/websocket-server/utils';
import WebSocket from 'ws';

const server = createServer();
const sockets = new WebSocket.Server({ server });
sockets.on('connection', setupWSConnection);
server.listen(0, '127.0.0.1', () => console.log(`ready ws://127.0.0.1:${server.address().port}`));
