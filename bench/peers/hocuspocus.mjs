/** Hocuspocus without storage; only awareness is measured. */
import { createServer } from 'node:net';
import { Server } from '@hocuspocus/server';

const probe = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => probe.once('listening', resolve));
const { port } = probe.address();
await new Promise((resolve) => probe.close(resolve));

const server = new Server({ address: '127.0.0.1', port, quiet: true });
await server.listen();
console.log(`ready ws://127.0.0.1:${port}`);
