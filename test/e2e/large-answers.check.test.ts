import { randomUUID } from 'node:crypto';
import type { Machine, Session, SessionParticipant } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';

/** The largest message that API Gateway delivers, in bytes. */
const messageBytes = 128 * 1024;
/** JSON of nearly 8 KB, mostly characters that become longer with each encoding. */
const large = { text: '"\\'.repeat(2000), more: 'ü'.repeat(40) };
const entries = 1000;

let stack: TestStack;
let owner: Arrived;
let session: Session;
let token: string;

beforeAll(async () => {
  stack = await startTestStack();
  ({ owner, session } = await stack.host('olive', { isPublic: true, maxParticipants: 1000 }));
  ({ token } = await tokenOf(stack, 'olive'));
  await stack.database.query(
    `INSERT INTO activity_log (session_id, user_id, activity_type, details, created_at)
     SELECT $1, $2, 'step', $3::jsonb || jsonb_build_object('n', n), now() + n * interval '1 millisecond'
     FROM generate_series(1, $4) n`,
    [session.id, owner.userId, JSON.stringify(large), entries],
  );
});
afterAll(() => stack.close());

const down = Array.from({ length: entries }, (_, n) => entries - n);
const sizeOf = (frame: object) => Buffer.byteLength(JSON.stringify(frame));

/** All parts of an answer: the reply and the posted parts. */
async function wholeOf<T extends 'participants' | 'machines'>(
  type: T,
  message: Record<string, unknown> & { type: string },
): Promise<ServerFrame<T>[]> {
  const first = await owner.expect(type, message);
  const whole = [first];
  while (whole.length < (first.parts ?? 1)) {
    whole.push(await owner.next(type, (frame) => frame.snapshotId === first.snapshotId && (frame.part ?? 0) > 1));
  }
  expect(whole.map(({ part }) => part).sort()).toEqual(whole.map((_, index) => index + 1));
  for (const frame of whole) expect(sizeOf(frame)).toBeLessThan(messageBytes);
  return whole;
}

const get = (path: string) => readHttp(stack, path, token);

test('[AC4] a page of large entries ends at the size limit of a message, and the next page continues there', async () => {
  const seen: unknown[] = [];
  let before: string | undefined;
  do {
    const query = { type: 'activity_query', sessionId: session.id, activityType: 'step', limit: 1000, before };
    const page: ServerFrame<'activity_page'> = await owner.expect('activity_page', query);
    expect(sizeOf(page)).toBeLessThan(messageBytes);
    expect(page.items.length).toBeGreaterThan(1);
    seen.push(...page.items.map((item) => item.details['n']));
    before = page.next;
    // A connection may send twenty messages per second.
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (before !== undefined);
  expect(seen).toEqual(down);
});

test.each(['json', 'ndjson', 'csv'])('[AC4][AC5] an export of large entries is complete as %s', async (format) => {
  const parts: string[] = [];
  let path: string | undefined = `/sessions/${session.id}/activity?type=step&limit=1000&format=${format}`;
  while (path !== undefined) {
    const response: Response = await get(path);
    expect(response.status).toBe(200);
    parts.push(await response.text());
    path = /<(.*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
  expect(parts.length).toBeGreaterThan(1);
  const numbers = [...parts.join('').matchAll(/[{,]"+n"+:(\d+)/g)].map(([, n]) => Number(n));
  expect(numbers).toEqual(down);
});

test('GET /sessions ends a page of large sessions early, and the next page continues there', async () => {
  await stack.database.query(
    `INSERT INTO collaboration_sessions (session_id, operation_id, owner_id, metadata)
     SELECT 'SESSION-20260101-' || (100000 + n), 'op', $1, $2::jsonb FROM generate_series(1, $3) n`,
    [owner.userId, JSON.stringify(large), entries],
  );
  const seen: string[] = [];
  let next: string | undefined;
  do {
    const response = await get(`/sessions?limit=1000${next ? `&before=${next}` : ''}`);
    expect(response.status).toBe(200);
    const page = (await response.json()) as { items: Session[]; next?: string };
    seen.push(...page.items.map((item) => item.id));
    next = page.next;
  } while (next !== undefined);
  expect(new Set(seen).size).toBe(entries + 1);
  expect(seen).toHaveLength(entries + 1);
});

test('[DE7] a list of participants that is too large for a message comes in parts, with each participant once', async () => {
  await stack.database.query(
    `INSERT INTO session_participants (session_id, anonymous_id, name)
     SELECT $1, gen_random_uuid(), repeat('ü', 200) FROM generate_series(1, 999)`,
    [session.id],
  );
  const parts = await wholeOf('participants', { type: 'participants_list', sessionId: session.id });
  expect(parts.length).toBeGreaterThan(1);
  const people = parts.flatMap(({ participants }): SessionParticipant[] => participants);
  expect(new Set(people.map(({ id }) => id)).size).toBe(1000);
});

test('[DE7] a list of machines comes in parts only if it is too large for a message', async () => {
  const { machine } = await owner.expect('machine_registered', { type: 'machine_register', machineId: 'm', name: 'M' });
  const list = { type: 'machine_list' };
  const alone = await owner.expect('machines', list);
  expect(alone).toEqual({ type: 'machines', machines: [machine], requestId: expect.any(String) });
  await stack.database.query(
    `INSERT INTO machines (machine_id, owner_id, name, metadata)
     SELECT $3 || n, $1, 'Laptop', $2::jsonb FROM generate_series(1, 40) n`,
    [owner.userId, JSON.stringify(large), `${randomUUID()}-`],
  );
  const parts = await wholeOf('machines', list);
  expect(parts.length).toBeGreaterThan(1);
  expect(new Set(parts.flatMap(({ machines }): Machine[] => machines).map(({ machineId }) => machineId)).size).toBe(41);
});
