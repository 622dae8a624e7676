import type { Redis } from 'ioredis';
import { shardNumbers } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { pairs } from '../../lambdas/presence/outcome.ts';
import type { PresenceRecord } from '../../lambdas/presence/status.ts';
import type { BaseWorld } from './base-world.ts';
import type { ScriptBook } from './script-book.ts';
import { SimulatedSweep } from './simulated-sweep.ts';

type Argument = string | number;

const ownKeys = 'presence:';
const presenceScript = 'presence_';
const restoreScript = `${presenceScript}restore`;
const markSuffix = ':mark';
/** The replies of read commands for a key that was never written; they need no call. */
const nothingThere: Record<string, unknown> = { exists: 0, zrange: [], claimDue: [], releaseDue: 0, dropMoving: 0 };
/** Scripts whose second key is the lease of a shard. */
const leased = ['holdShard', 'scheduleDue', 'claimDue', 'releaseDue', 'watchMoving'];
/** Leases expire by the virtual clock, so the real server gets this long time, in milliseconds. */
const dayMillis = 86_400_000;
/** Session ids are shortened in key names, because most of the bytes to the server are names. */
const sessionPart = /00000000-0000-4000-8001-0{11}/;

/**
 * The Redis of one world: the real server and the real scripts with the world’s own key names. Calls take virtual time, fail while
 * Redis is away, and the environment may be killed before or after each call.
 */
export class SimulatedRedis {
  readonly #world: BaseWorld;
  readonly #redis: Redis;
  readonly #book: ScriptBook;
  readonly #prefix: string;
  /** The keys of all calls that may write. */
  readonly #named = new Set<string>();
  /** The marks that the index is complete. They are read so often that they are cached here. */
  readonly #marks = new Set<string>();
  readonly #sweep = new SimulatedSweep();
  readonly #names = new Map<string, string>();
  /** Calls that the real server has not answered. */
  #unanswered = 0;
  away = false;

  constructor(world: BaseWorld, redis: Redis, book: ScriptBook, prefix: string) {
    this.#world = world;
    this.#redis = redis;
    this.#book = book;
    this.#prefix = prefix;
    for (const command of ['zadd', 'zrem', 'zscore', 'zrange', 'hget', 'hmget', 'lrem']) this.#offer(command);
  }

  /** Makes a script a method, as ioredis does. */
  defineCommand(name: string, { lua, numberOfKeys }: { lua: string; numberOfKeys: number }): void {
    const text = this.#book.prepare(lua, this.#world.changes);
    const command = async (...given: Argument[]): Promise<unknown> => {
      const keys = given.slice(0, numberOfKeys).map(String);
      if (name in nothingThere && !this.#named.has(keys[0]!)) return nothingThere[name];
      return this.#call(name, async () => {
        for (const key of keys) this.#named.add(key);
        if (!name.startsWith(presenceScript)) return this.#ofSweep(name, given, text, numberOfKeys);
        const values = given.map((value) => this.#rename(value));
        if (name === restoreScript) await this.#noteSeats(String(given[numberOfKeys + 2]));
        const reply = await this.#run(name, text, numberOfKeys, [...values, this.#world.clock.now]);
        const [script, parameters] = [name.slice(presenceScript.length), given.slice(numberOfKeys)];
        if (this.#world.ledger.observe(script, parameters, reply)) await this.#learn(String(parameters[2]));
        if (isPromised(reply) && this.#world.evictsWaiting()) await this.#evictWaiting(String(parameters[2]));
        return reply;
      });
    };
    Object.defineProperty(this, name, { value: command });
  }

  /** Changes nothing, because no key expires during the run of a world. */
  async pexpire(): Promise<number> {
    return 1;
  }

  /** Tells nothing, because the connections of the server are not part of the worlds. */
  async info(): Promise<string> {
    return '';
  }

  async exists(key: string): Promise<number> {
    if (key.endsWith(markSuffix)) return this.#marks.has(key) ? 1 : 0;
    if (!this.#named.has(key)) return 0;
    return this.#call('exists', () => this.#redis.exists(this.#rename(key)));
  }

  async zcard(key: string): Promise<number> {
    if (!this.#named.has(key)) return 0;
    return this.#call('zcard', async () => {
      return this.#sweep.isIndex(key) ? this.#sweep.size(key) : this.#redis.zcard(this.#rename(key));
    });
  }

  /** Whether a sweep would find work now: a session is due, or the index of deadlines is incomplete. */
  needsSweep(now: number): boolean {
    return shardNumbers.some((shard) => {
      return this.#sweep.isDue(presenceKeys.due(shard), now) || !this.#marks.has(presenceKeys.dueMark(shard));
    });
  }

  /** Records a round of a sweep without work, which is not run. */
  noteRound(now: number): void {
    if (!this.away) this.#sweep.beat(now);
  }

  /** Whether the real server has not answered a call yet. */
  get isBusy(): boolean {
    return this.#unanswered > 0;
  }

  /** Deletes keys, as an eviction or a failover to an empty replica does. */
  async lose(keys: string[]): Promise<void> {
    for (const key of keys) {
      this.#marks.delete(`${key}${markSuffix}`);
      this.#sweep.lose(key);
    }
    if (keys.length > 0) await this.#answered(this.#redis.unlink(keys.map((key) => this.#rename(key))));
  }

  /** The keys of a session, with the records of its users. */
  keysOf(sessionId: string): string[] {
    const records = this.#world.userIds.map((userId) => presenceKeys.record(sessionId, userId));
    return [...[...this.#named].filter((key) => key.includes(`{${sessionId}}`)), ...records];
  }

  /** The keys of the index of deadlines, and of the lease of the sweep. */
  sharedKeys(): string[] {
    return [...this.#named].filter((key) => !this.#world.sessionIds.some((sessionId) => key.includes(sessionId)));
  }

  /** Deletes all keys of the world. */
  async clear(): Promise<void> {
    const sessions = this.#world.sessionIds.flatMap((sessionId) => [
      ...this.keysOf(sessionId),
      `${presenceKeys.recordPrefix(sessionId)}!ttl`,
    ]);
    await this.lose([...sessions, ...this.sharedKeys()]);
  }

  /** Gives the ledger the connections that have a seat. */
  async #noteSeats(sessionId: string): Promise<void> {
    const seats = await this.#scored(presenceKeys.connections(sessionId));
    const members = seats.map(([member]) => member);
    this.#world.ledger.beforeRestore(sessionId, members);
  }

  /** Gives the ledger the whole state of a session. */
  async #learn(sessionId: string): Promise<void> {
    const scored = (key: string) => this.#scored(key);
    const userIds = (await scored(presenceKeys.users(sessionId))).map(([userId]) => userId);
    // A record may still exist although its user is on no list.
    const texts = this.#world.userIds.map((userId) =>
      this.#redis.get(this.#rename(presenceKeys.record(sessionId, userId))),
    );
    const epoch = this.#rename(presenceKeys.epoch(sessionId));
    const counted = await this.#redis.hmget(epoch, 'people', 'seats', 'closed');
    const orders = await this.#redis.hgetall(this.#rename(presenceKeys.orders(sessionId)));
    this.#world.ledger.learn(sessionId, {
      turns: Object.entries(orders).map(([connectionId, text]) => {
        const [cursor = 0, status = 0, , acted = 0] = text.split(' ').map(Number);
        return [connectionId, { cursor, status, acted }];
      }),
      seats: await scored(presenceKeys.connections(sessionId)),
      graces: await scored(presenceKeys.leaving(sessionId)),
      userIds,
      counted: counted.map(Number),
      isKnown: (await this.#redis.hexists(epoch, 'epoch')) === 1,
      recordEnds: await scored(`${presenceKeys.recordPrefix(sessionId)}!ttl`),
      records: (await Promise.all(texts)).flatMap((text) => (text ? [JSON.parse(text) as PresenceRecord] : [])),
    });
  }

  /** Evicts the updates that wait for the end of a window. */
  async #evictWaiting(sessionId: string): Promise<void> {
    this.#world.note('Redis EVICTS the waiting updates');
    this.#world.ledger.lost(sessionId);
    await this.lose([presenceKeys.pending(sessionId), presenceKeys.changes(sessionId)]);
  }

  async #scored(key: string): Promise<[member: string, score: number][]> {
    const found = await this.#redis.zrange(this.#rename(key), '0', '-1', 'WITHSCORES');
    return pairs(found).map(([member, score]) => [member, Number(score)]);
  }

  /** Runs a script of sweeps, with leases that expire by the virtual clock. */
  async #ofSweep(name: string, given: Argument[], text: string, numberOfKeys: number): Promise<unknown> {
    const { now } = this.#world.clock;
    const [due, lease] = given as [string, string];
    if (leased.includes(name) && this.#sweep.hasEnded(lease, now)) await this.#redis.unlink(this.#rename(lease));
    if (name === 'claimDue' && !this.#sweep.isDue(due, Number(given[3]))) return [];
    const values = given.map((value) => this.#rename(value));
    const run = () => this.#run(name, text, numberOfKeys, values);
    if (name === 'holdShard') return this.#hold(given, values, run);
    if (name === 'releaseShard') this.#sweep.giveBack(String(given[0]), String(given[1]));
    return this.#sweep.isIndex(due) ? this.#onIndex(due, run) : run();
  }

  /** Runs a script. A script that fails is a violation in each world, also while stores are away (rule FA6). */
  async #run(name: string, text: string, numberOfKeys: number, values: Argument[]): Promise<unknown> {
    try {
      return await this.#answered(this.#book.run(text, numberOfKeys, values));
    } catch (error) {
      this.#world.violate(`[FA6] the script ${name} failed: ${(error as Error).message}`);
      throw error;
    }
  }

  async #hold(given: Argument[], values: Argument[], run: () => Promise<unknown>): Promise<unknown> {
    const [due, lease, holder, millis] = [String(given[0]), String(given[1]), String(given[2]), Number(given[3])];
    const { now } = this.#world.clock;
    const known = this.#sweep.answerHold(lease, holder, now, millis);
    if (known !== undefined) return known;
    values[3] = dayMillis;
    const held = await this.#onIndex(due, run);
    if (held === 1) this.#sweep.hold(lease, holder, now + millis);
    return held;
  }

  /** Runs a call that changes a shard of the index, and then caches the content of the shard. */
  async #onIndex<T>(key: string, run: () => Promise<T>): Promise<T> {
    const answer = await run();
    this.#sweep.learn(key, await this.#scored(key));
    return answer;
  }

  #offer(command: string): void {
    const run = async (key: string, ...values: Argument[]): Promise<unknown> => {
      if (key.endsWith(markSuffix)) return this.#marks.add(key).size;
      if (command in nothingThere && !this.#named.has(key)) return nothingThere[command];
      return this.#call(command, () => {
        this.#named.add(key);
        if (key === presenceKeys.sweepPulse) return this.#pulse(command, values);
        const send = () => this.#send(command, this.#rename(key), values);
        return this.#sweep.isIndex(key) && command === 'zadd' ? this.#onIndex(key, send) : send();
      });
    };
    Object.defineProperty(this, command, { value: run });
  }

  #send(command: string, key: string, values: Argument[]): Promise<unknown> {
    const commands = this.#redis as unknown as Record<string, (...given: Argument[]) => Promise<unknown>>;
    return this.#answered(commands[command]!(key, ...values));
  }

  async #answered<T>(call: Promise<T>): Promise<T> {
    this.#unanswered += 1;
    try {
      return await call;
    } finally {
      this.#unanswered -= 1;
    }
  }

  async #pulse(command: string, [at]: Argument[]): Promise<unknown> {
    return command === 'zadd' ? this.#sweep.beat(Number(at)) : this.#sweep.pulse;
  }

  #call<T>(label: string, action: () => Promise<T>): Promise<T> {
    return this.#world.call(label, async () => {
      if (this.away) throw new Error('connect ECONNREFUSED');
      return action();
    });
  }

  #rename<T extends Argument>(value: T): T {
    if (typeof value !== 'string' || !value.startsWith(ownKeys)) return value;
    const known = this.#names.get(value);
    if (known) return known as T;
    const name = `${this.#prefix}${value.slice(ownKeys.length).replace(sessionPart, '')}`;
    this.#names.set(value, name);
    return name as T;
  }
}

/** Whether a reply makes its caller the flusher. */
function isPromised(reply: unknown): boolean {
  const [code, , , , , , , , , promised] = reply as unknown[];
  return code === 'ok' && Array.isArray(promised) && promised.length > 0;
}
