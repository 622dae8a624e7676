import { Redis } from 'ioredis';
import { testAddresses } from './addresses.ts';

/** A connection to the Redis of the test run. Tests use sessions of their own, so nobody empties anything. */
export function connectRedis(): Redis {
  return new Redis(testAddresses.redis);
}

/** Listens to every command the server receives from `client`, and answers those seen so far, without the keys. */
export async function watchCommands(client: Redis): Promise<{ seen(): Promise<string[][]>; stop(): Promise<void> }> {
  const name = `watched-${Math.random().toString(36).slice(2)}`;
  await client.client('SETNAME', name);
  const address = String(await client.client('INFO')).match(/ addr=(\S+)/)?.[1];
  const observer = new Redis(testAddresses.redis);
  const monitor = await observer.monitor();
  const marker = new Redis(testAddresses.redis);
  const commands: string[][] = [];
  const waiting = new Map<string, () => void>();
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    const mark = waiting.get(args[1] ?? '');
    if (mark) return mark();
    if (source === address) commands.push(args);
  });
  return {
    /** The server reports commands in order, so once it reports a mark it has reported everything before. */
    async seen() {
      const mark = `mark-${Math.random().toString(36).slice(2)}`;
      const reported = new Promise<void>((resolve) => waiting.set(mark, resolve));
      await marker.echo(mark);
      await reported;
      return commands.filter((args) => args[0]?.toLowerCase() !== 'client');
    },
    async stop() {
      for (const connection of [monitor, observer, marker]) connection.disconnect();
    },
  };
}
