/** One socket.io node. All clients are in one room, and a cursor goes to all except its sender. */
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const publisher = new Redis(process.env.REDIS_URL);
const server = createServer();
const io = new Server(server, { adapter: createAdapter(publisher, publisher.duplicate()), transports: ['websocket'] });
io.on('connection', (socket) => {
  socket.join('room');
  socket.on('cursor', (frame) => socket.to('room').emit('cursor', frame));
});
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send(`ws://127.0.0.1:${server.address().port}`));
