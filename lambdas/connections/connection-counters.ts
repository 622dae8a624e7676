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

/** How often a handshake drops ended hours before it is refused. Each race with another handshake costs one attempt. */
const attempts = 4;

const hourOf = (at: number) => Math.floor(at / hourMillis);
const fieldOf = (hour: number) => `h${hour}`;
const counterOf = ({ by, id }: ConnectionCap) => `${by}#${id}`;

/** Where a connection is counted if no cap refuses it. */
export function everyCounter(caps: readonly ConnectionCap[], now: number): Counted {
  return { counters: caps.map(counterOf), countedInHour: hourOf(now) };
}

/**
 * Counts a new connection under each cap, all at the same time. Each counter is changed by one conditional write, so no race
 * lets a connection over its cap.
 *
 * @param now Unix milliseconds.
 * @returns where the connection is counted, and the cap that refuses it, if one does. Then the caller calls `uncount`.
 * @throws what DynamoDB throws; then the connection is not counted.
 */
export async function count(
  client: DynamoDBClient,
  table: string,
  caps: readonly ConnectionCap[],
  now: number,
): Promise<{ counted: Counted; refusedBy?: CappedBy | undefined }> {
  const results = await Promise.allSettled(caps.map((cap) => countOne(client, table, cap, now)));
  const isCounted = (index: number) => {
    const result = results[index]!;
    return result.status === 'fulfilled' && result.value;
  };
  const counted = everyCounter(
    caps.filter((_, index) => isCounted(index)),
    now,
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await uncount(client, table, counted);
    throw failed.reason;
  }
  return { counted, refusedBy: caps.find((_, index) => !isCounted(index))?.by };
}

/** Takes a connection off its counters. The caller does this only once for each connection. */
export async function uncount(
  client: DynamoDBClient,
  table: string,
  { counters, countedInHour }: Counted,
): Promise<void> {
  const update = {
    UpdateExpression: 'ADD #total :less, #hour :less',
    // Otherwise the counter dropped the hour, or expired.
    ConditionExpression: '#hour > :none',
    ExpressionAttributeNames: { '#total': 'total', '#hour': fieldOf(countedInHour) },
    ExpressionAttributeValues: marshall({ ':less': -1, ':none': 0 }),
  };
  await Promise.all(
    counters.map((key) => isMet(client.send(new UpdateItemCommand({ TableName: table, Key: keyOf(key), ...update })))),
  );
}

async function countOne(client: DynamoDBClient, table: string, cap: ConnectionCap, now: number): Promise<boolean> {
  const Key = keyOf(counterOf(cap));
  const old = deletedHours.map((age) => fieldOf(hourOf(now) - age));
  const increase = () =>
    isMet(
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key,
          UpdateExpression: `ADD #total :one, #hour :one SET expiresAt = :expiry REMOVE ${old.join(', ')}`,
          ConditionExpression: 'attribute_not_exists(#total) OR #total < :most',
          ExpressionAttributeNames: { '#total': 'total', '#hour': fieldOf(hourOf(now)) },
          ExpressionAttributeValues: marshall({ ':one': 1, ':most': cap.most, ':expiry': expiry(now) }),
        }),
      ),
    );
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await increase()) return true;
    if (!(await makeRoom(client, table, { Key, most: cap.most, now }))) return false;
  }
  return increase();
}

/**
 * Drops the hours whose connections have all ended. Returns whether the counter may have room afterwards. Another handshake may
 * have dropped the hours before, or may change the counter at the same time.
 */
async function makeRoom(
  client: DynamoDBClient,
  table: string,
  { Key, most, now }: { Key: ReturnType<typeof keyOf>; most: number; now: number },
): Promise<boolean> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
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
