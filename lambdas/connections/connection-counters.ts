import { createHash } from 'node:crypto';
import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { connectionLifetimeMillis } from '../../protocol/timings.ts';
import { isMet } from './is-met.ts';
import { connectionItem, expiry } from './membership.ts';

/** What a cap counts the open connections of. */
export type CappedBy = 'user' | 'invite' | 'address';

/** At most `most` connections may be open for one `id`. */
export interface ConnectionCap {
  by: CappedBy;
  id: string;
  most: number;
}

/**
 * Where a connection is counted. A counter is one item of the connection table: `total`, and the connections by the hour in
 * which they were opened. No connection lives longer than two hours. So what an older hour counts was left behind by lost
 * `$disconnect` events, and a counter at its cap drops it.
 *
 * The client of DynamoDB repeats a write whose answer is late, although the write may be stored. So each write leaves a mark in one
 * of a fixed number of places of the counter, and a repeated write finds its own mark and changes nothing.
 */
export interface Counted {
  /** The partition keys of the counters. */
  counters: string[];
  /** Hours since 1970. */
  countedInHour: number;
}

const hourMillis = 60 * 60 * 1000;
/** Each new connection deletes these older hours of its counters, so that the counter of a busy address does not grow. */
const deletedHours = [4, 5, 6, 7, 8];

/** The places for marks. The item stays below one kilobyte, which is what one write pays for. */
const places = 64;

/** The place of a connection and its marks. The place keeps a mark until a write of another connection replaces it. */
function marksOf(connectionId: string): { place: string; counting: string; uncounting: string } {
  const hash = createHash('sha1').update(connectionId).digest();
  const id = hash.toString('base64', 1, 7);
  return { place: `w${hash[0]! % places}`, counting: `+${id}`, uncounting: `-${id}` };
}

/** How often a handshake drops ended hours before it is refused. Each race with another handshake costs one attempt. */
const attempts = 4;

const hourOf = (at: number) => Math.floor(at / hourMillis);
const fieldOf = (hour: number) => `h${hour}`;
const counterOf = ({ by, id }: ConnectionCap) => `${by}#${id}`;

/** Where a connection is counted if no cap refuses it. */
export function everyCounter(caps: readonly ConnectionCap[], now: number): Counted {
  return { counters: caps.map(counterOf), countedInHour: hourOf(now) };
}

/** A new connection. */
export interface Newcomer {
  connectionId: string;
  /** Unix milliseconds. */
  connectedAt: number;
}

/**
 * Counts a new connection under each cap, all at the same time. Each counter is changed by one conditional write, so no race
 * lets a connection over its cap.
 *
 * @returns where the connection is counted, and the cap that refuses it, if one does. Then the caller calls `uncount`.
 * @throws what DynamoDB throws; then the connection is not counted.
 */
export async function count(
  client: DynamoDBClient,
  table: string,
  caps: readonly ConnectionCap[],
  newcomer: Newcomer,
): Promise<{ counted: Counted; refusedBy?: CappedBy | undefined }> {
  const results = await Promise.allSettled(caps.map((cap) => countOne(client, table, cap, newcomer)));
  const withResult = (isWanted: (result: PromiseSettledResult<boolean>) => boolean) =>
    caps.filter((_, index) => isWanted(results[index]!));
  const { connectionId, connectedAt } = newcomer;
  const counted = everyCounter(
    withResult((result) => result.status === 'fulfilled' && result.value),
    connectedAt,
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    const uncertain = everyCounter(
      withResult(({ status }) => status === 'rejected'),
      connectedAt,
    );
    await Promise.all([
      uncount(client, table, connectionId, counted),
      uncount(client, table, connectionId, uncertain, '#place = :counting'),
    ]);
    throw failed.reason;
  }
  return { counted, refusedBy: withResult((result) => result.status === 'fulfilled' && !result.value)[0]?.by };
}

/**
 * Takes a connection off its counters. A second call of the same time changes nothing.
 *
 * @param isCounted the condition that the connection is counted; without it, the caller knows that it is.
 */
export async function uncount(
  client: DynamoDBClient,
  table: string,
  connectionId: string,
  { counters, countedInHour }: Counted,
  isCounted?: '#place = :counting',
): Promise<void> {
  const { place, ...marks } = marksOf(connectionId);
  const conditions = isCounted ? [isCounted] : ['attribute_not_exists(#place)', '#place <> :uncounting'];
  const values = { ':less': -1, ':none': 0, ':uncounting': marks.uncounting };
  const update = {
    UpdateExpression: 'ADD #total :less, #hour :less SET #place = :uncounting',
    // Otherwise the counter dropped the hour, or expired.
    ConditionExpression: conditions.map((condition) => `#hour > :none AND ${condition}`).join(' OR '),
    ExpressionAttributeNames: { '#total': 'total', '#hour': fieldOf(countedInHour), '#place': place },
    ExpressionAttributeValues: marshall(isCounted ? { ...values, ':counting': marks.counting } : values),
  };
  await Promise.all(
    counters.map((key) => isMet(client.send(new UpdateItemCommand({ TableName: table, Key: keyOf(key), ...update })))),
  );
}

async function countOne(
  client: DynamoDBClient,
  table: string,
  cap: ConnectionCap,
  { connectionId, connectedAt: now }: Newcomer,
): Promise<boolean> {
  const Key = keyOf(counterOf(cap));
  const { place, counting } = marksOf(connectionId);
  const old = deletedHours.map((age) => fieldOf(hourOf(now) - age));
  const isNew = ['attribute_not_exists(#place)', '#place <> :counting'];
  const hasRoom = isNew.map((condition) => `#total < :most AND ${condition}`);
  const increase = () =>
    isMet(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key,
          UpdateExpression: `ADD #total :one, #hour :one SET expiresAt = :expiry, #place = :counting REMOVE ${old.join(', ')}`,
          ConditionExpression: ['attribute_not_exists(#total)', ...hasRoom].join(' OR '),
          ExpressionAttributeNames: { '#total': 'total', '#hour': fieldOf(hourOf(now)), '#place': place },
          ExpressionAttributeValues: marshall({
            ':one': 1,
            ':most': cap.most,
            ':expiry': expiry(now),
            ':counting': counting,
          }),
        }),
      ),
    );
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await increase()) return true;
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    // The write was refused because an attempt whose answer was lost is stored.
    if (Item?.[place]?.S === counting) return true;
    if (!(await makeRoom(client, table, { Key, Item, most: cap.most, now }))) return false;
  }
  return increase();
}

type CounterItem = ReturnType<typeof keyOf>;

/**
 * Drops the hours whose connections have all ended. Returns whether the counter may have room afterwards. Another handshake may
 * have dropped the hours before, or may change the counter at the same time.
 */
async function makeRoom(
  client: DynamoDBClient,
  table: string,
  { Key, Item, most, now }: { Key: CounterItem; Item: CounterItem | undefined; most: number; now: number },
): Promise<boolean> {
  if (!Item) return true;
  const { total, ...fields } = unmarshall(Item);
  const hours = Object.keys(fields).filter((name) => /^h\d+$/.test(name));
  const hasEnded = (name: string) => (Number(name.slice(1)) + 1) * hourMillis + connectionLifetimeMillis < now;
  const ended = hours.filter(hasEnded);
  const open = hours.filter((name) => !hasEnded(name)).reduce((sum, name) => sum + fields[name], 0);
  if (open >= most) return false;
  if (open === total) return true;
  // Otherwise another handshake changed the counter meanwhile. The total alone does not show it: others may have dropped the same
  // hours and then reached the same total.
  const current = fieldOf(hourOf(now));
  const same = ['#total = :total', ...hours.map((name) => `${name} = :${name}`)];
  if (!hours.includes(current)) same.push(`attribute_not_exists(${current})`);
  const values = Object.fromEntries(hours.map((name) => [`:${name}`, fields[name]]));
  await isMet(
    client.send(
      new UpdateItemCommand({
        TableName: table,
        Key,
        UpdateExpression: `SET #total = :open${ended.length > 0 ? ` REMOVE ${ended.join(', ')}` : ''}`,
        ConditionExpression: same.join(' AND '),
        ExpressionAttributeNames: { '#total': 'total' },
        ExpressionAttributeValues: marshall({ ':open': open, ':total': total, ...values }),
      }),
    ),
  );
  return true;
}

function keyOf(counter: string) {
  return marshall({ connectionId: counter, sessionId: connectionItem });
}
