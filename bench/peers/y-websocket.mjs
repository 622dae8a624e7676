/** `@y/websocket-server` on a free port, started as its command line does. */
import { createServer } from 'node:http';
import { setupWSConnection } from '@y/websocket-server/utils';
import WebSocket from 'ws';

const server = createServer();
const sockets = new WebSocket.Server({ server });
sockets.on('connection', setupWSConnection);
server.listen(0, '127.0.0.1', () => console.log(`ready ws://127.0.0.1:${server.address().port}`));
