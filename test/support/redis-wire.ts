import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { testAddresses } from './addresses.ts';

/** A proxy to the Redis of the test run that records all commands of a client. */
export interface RedisWire {
  url: string;
  /** The names of the commands so far, in order and in lower case, without those of the handshake. */
  commands: string[];
  close(): Promise<void>;
}

/** Commands that a client sends when it connects. */
const handshake = ['hello', 'client', 'info', 'select', 'auth', 'command', 'ping'];

/** Starts a proxy between a client and Redis, to count round trips on the wire. */
export async function openRedisWire(target = testAddresses.redis): Promise<RedisWire> {
  const { hostname, port } = new URL(target);
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const read = commandReader((name) => handshake.includes(name) || commands.push(name));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      read(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    commands,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Parses the client's side of the protocol: arrays of bulk strings; the first one is the name of the command. */
function commandReader(found: (name: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let first = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return;
      const length = Number(rest.toString('latin1', 1, end));
      if (rest[0] === 0x2a) {
        first = true;
        rest = rest.subarray(end + 2);
      } else {
        const after = end + 2 + length + 2;
        if (rest.length < after) return;
        if (first) found(rest.toString('utf8', end + 2, end + 2 + length).toLowerCase());
        first = false;
        rest = rest.subarray(after);
      }
    }
  };
}
