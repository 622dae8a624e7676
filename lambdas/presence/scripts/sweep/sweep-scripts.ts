import type { Cluster, Redis } from 'ioredis';
import { declareNames } from '../compose.ts';
import type { Piece } from '../scripts.ts';
import claimDue from './claim-due.lua';
import dropMoving from './drop-moving.lua';
import holdShard from './hold-shard.lua';
import joinSweeps from './join-sweeps.lua';
import releaseDue from './release-due.lua';
import releaseShard from './release-shard.lua';
import scheduleDue from './schedule-due.lua';
import watchMoving from './watch-moving.lua';

const piece = (name: string, text: string): Piece => ({ file: `lambdas/presence/scripts/sweep/${name}.lua`, text });

/**
 * The scripts of the sweep. Keys and arguments are in this order and have these names in Lua, where the name of a key ends
 * with `Key`. Arguments are texts there. Times are Unix milliseconds, durations milliseconds.
 */
export const sweepScripts = {
  scheduleDue: {
    keys: ['due', 'lease'],
    arguments: ['sessionId', 'deadline', 'ttl'],
    piece: piece('schedule-due', scheduleDue),
  },
  claimDue: {
    keys: ['due', 'lease'],
    arguments: ['holder', 'now', 'limit', 'claimedScore'],
    piece: piece('claim-due', claimDue),
  },
  releaseDue: {
    keys: ['due', 'lease'],
    arguments: ['holder', 'sessionId', 'nextDeadline', 'ttl', 'claimedScore'],
    piece: piece('release-due', releaseDue),
  },
  holdShard: {
    keys: ['due', 'lease'],
    arguments: ['holder', 'millis', 'now', 'claimedScore'],
    piece: piece('hold-shard', holdShard),
  },
  releaseShard: { keys: ['lease'], arguments: ['holder'], piece: piece('release-shard', releaseShard) },
  joinSweeps: {
    keys: ['sweeps', 'spend'],
    arguments: ['holder', 'now', 'millis', 'mostSweeps', 'ttl', 'spent', 'bound'],
    piece: piece('join-sweeps', joinSweeps),
  },
  watchMoving: {
    keys: ['moving', 'lease'],
    arguments: ['sessionId', 'at', 'ttl'],
    piece: piece('watch-moving', watchMoving),
  },
  dropMoving: { keys: ['moving'], arguments: ['sessionId', 'at'], piece: piece('drop-moving', dropMoving) },
} as const;

type SweepScript = keyof typeof sweepScripts;
type Keys<Script extends SweepScript> = Record<(typeof sweepScripts)[Script]['keys'][number], string>;
type Arguments<Script extends SweepScript> = Record<
  (typeof sweepScripts)[Script]['arguments'][number],
  string | number
>;
type Replies = { claimDue: string[]; joinSweeps: string[] };
type Commands = Record<string, (...parameters: (string | number)[]) => Promise<unknown>>;

/** Lua that names the keys and arguments of a sweep script. */
export function sweepScriptNames(script: SweepScript): string {
  return declareNames(sweepScripts[script].keys, sweepScripts[script].arguments);
}

/** Teaches a client the scripts of the sweep; harmless if it knows them. */
export function defineSweepScripts(redis: Redis | Cluster): void {
  if ('claimDue' in redis) return;
  for (const script of Object.keys(sweepScripts) as SweepScript[]) {
    const { keys, piece: body } = sweepScripts[script];
    redis.defineCommand(script, { numberOfKeys: keys.length, lua: `${sweepScriptNames(script)}\n${body.text}` });
  }
}

/** Runs a script of the sweep on a client that knows them. A script that replies with a yes or no replies 1 or 0. */
export async function runSweepScript<Script extends SweepScript>(
  redis: Redis | Cluster,
  script: Script,
  keys: Keys<Script>,
  values: Arguments<Script>,
): Promise<Script extends keyof Replies ? Replies[Script] : number> {
  const { keys: keyNames, arguments: names } = sweepScripts[script];
  const [named, given] = [keys as Record<string, string>, values as Record<string, string | number>];
  const run = (redis as unknown as Commands)[script]!.bind(redis);
  const reply = await run(...keyNames.map((name) => named[name]!), ...names.map((name) => given[name]!));
  return reply as Script extends keyof Replies ? Replies[Script] : number;
}
