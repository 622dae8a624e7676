import { AsyncLocalStorage } from 'node:async_hooks';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { Pool, type PoolClient } from 'pg';
import { SignedGateway } from '../../lambdas/delivery/signed-gateway.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { subjectOf } from '../harness/checks/told.ts';

/** The fault that an invocation has at its `at`-th request to a store or the gateway. */
export interface InvocationFault {
  /** `killed`: no more of its code runs. `cut`: its writes of activity fail, as if PostgreSQL were away. */
  kind: 'killed' | 'cut';
  at: number;
  /** Whether the request is still executed; its answer is lost in both cases. */
  reached: boolean;
}

interface Invocation {
  fault: InvocationFault;
  /** Functions that close its open connections. */
  connections: ((broken?: Error | boolean) => void)[];
  /** The diffs that its scripts numbered, by connection. */
  toTell: string[];
  /** The diffs that it tried to send. */
  told: Set<string>;
  requests: number;
  dead: boolean;
  die: () => void;
}

const current = new AsyncLocalStorage<Invocation>();
const never = new Promise<never>(() => {});
const killed = Symbol('killed');

/**
 * Runs work as one invocation with a fault. Returns `killed` if the invocation was killed. For a completed invocation it returns the
 * diffs that it did not try to send.
 */
export async function invoke<T>(
  fault: InvocationFault,
  work: () => Promise<T>,
  note: (untold: string[]) => void,
): Promise<T | typeof killed> {
  const death = Promise.withResolvers<typeof killed>();
  const connections: Invocation['connections'] = [];
  const die = () => {
    for (const close of connections) close(true);
    death.resolve(killed);
  };
  const invocation: Invocation = { fault, connections, toTell: [], told: new Set(), requests: 0, dead: false, die };
  const result = await Promise.race([current.run(invocation, work), death.promise]);
  if (!invocation.dead) note(invocation.toTell.filter((what) => !invocation.told.has(what)));
  return result;
}

/** An invocation without a fault. */
export const spared: InvocationFault = { kind: 'killed', at: Number.POSITIVE_INFINITY, reached: true };

export function isKilled(outcome: unknown): outcome is typeof killed {
  return outcome === killed;
}

/** Executes a request unless the fault of its invocation prevents it. */
function pass<T>(request: () => Promise<T>, writesActivity = false): Promise<T> {
  const invocation = current.getStore();
  if (!invocation) return request();
  if (invocation.dead) return never;
  const { fault } = invocation;
  if (fault.kind === 'cut') return writesActivity ? cut(request, fault.reached) : request();
  invocation.requests += 1;
  if (invocation.requests !== fault.at) return request();
  const carriedOut = fault.reached ? request() : Promise.resolve();
  invocation.dead = true;
  // The kill happens after the request was executed, so that a check after the kill finds its effect.
  carriedOut.then(invocation.die, invocation.die);
  return never;
}

async function cut<T>(request: () => Promise<T>, reached: boolean): Promise<T> {
  if (reached) await request();
  throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
}

type Query = (...parameters: unknown[]) => Promise<unknown>;

/** Applies the fault of the present invocation to each request to PostgreSQL, Redis, DynamoDB and the gateway. */
export function rule(): void {
  const { query, connect } = Pool.prototype as unknown as { query: Query; connect: Query };
  const pool = {
    query(this: Pool, ...parameters: unknown[]) {
      const { name } = parameters[0] as { name?: string };
      return pass(() => query.apply(this, parameters), name === 'activity-insert');
    },
    connect(this: Pool, ...parameters: unknown[]) {
      if (parameters.length > 0) return connect.apply(this, parameters);
      return pass(async () => ruledClient((await connect.call(this)) as PoolClient));
    },
  };
  Object.assign(Pool.prototype, pool);
  ruleMethod(Redis.prototype, 'sendCommand', (invocation, _, answer) => noteDiff(invocation, answer));
  ruleMethod(DynamoDBClient.prototype, 'send');
  ruleMethod(SignedGateway.prototype, 'post', (invocation, [connectionId, bytes]) => {
    const subject = subjectOf(JSON.parse(Buffer.from(bytes as Uint8Array).toString()) as ServerFrame);
    invocation.told.add(`${connectionId}: ${subject}`);
  });
}

type Note = (invocation: Invocation, parameters: unknown[], answer: unknown) => void;

function ruleMethod(prototype: object, name: string, note: Note = () => {}): void {
  const methods = prototype as Record<string, Query>;
  const method = methods[name]!;
  methods[name] = async function (this: unknown, ...parameters: unknown[]) {
    const answer = await pass(() => method.apply(this, parameters));
    const invocation = current.getStore();
    if (invocation) note(invocation, parameters, answer);
    return answer;
  };
}

/** The reply of a presence script with a diff: `ok`, epoch, number, parts, the diff, receivers. */
function noteDiff(invocation: Invocation, answer: unknown): void {
  if (!Array.isArray(answer) || answer[0] !== 'ok' || answer.length < 9) return;
  const [, epoch, seq, , joins, updates, leaves, , receivers] = answer as [string, string, number, ...string[][]];
  if (receivers!.length === 0 || joins!.length + updates!.length + leaves!.length === 0) return;
  // The first diff of an epoch, if it shows no arrival, comes from the rebuild of a session. Clients learn of the epoch with their next frame.
  if (seq === 1 && joins!.length === 0) return;
  for (const member of receivers!) invocation.toTell.push(`${member.split(':')[1]}: diff ${epoch} ${seq}`);
}

/** Closes the connections of a killed process, so that PostgreSQL rolls back its open transactions. */
function ruledClient(client: PoolClient): PoolClient {
  const query = client.query.bind(client) as unknown as Query;
  const release = client.release.bind(client);
  let open = true;
  const close = (broken?: Error | boolean) => {
    if (open) release(broken);
    open = false;
  };
  const invocation = current.getStore();
  invocation?.connections.push(close);
  // The invocation was killed by another request while it waited for this connection.
  if (invocation?.dead) close(true);
  return Object.create(client, {
    query: {
      value: (...parameters: unknown[]) => {
        const { name } = Object(parameters[0]) as { name?: string };
        return pass(() => query(...parameters), name === 'activity-insert');
      },
    },
    release: { value: close },
  }) as PoolClient;
}
