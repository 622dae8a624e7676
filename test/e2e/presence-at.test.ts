import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type SimulatedWeek, simulateWeek } from '../../bench/week/simulated-week.ts';
import { type Client, createClient } from '../../client/index.ts';
import { readTrail } from '../../client/timeline/read.ts';
import { presentAt, staysOf } from '../../client/timeline/stays.ts';
import { ApiError, createApi } from '../../dashboard/data/api.ts';
import { createTrailReader } from '../../dashboard/data/trail.ts';
import { isAway } from '../../lambdas/platform/unavailable.ts';
import type { Session, Stay } from '../../protocol/entities.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { createLogger } from '../support/activity-logger.ts';
import { tokenOf } from '../support/client.ts';
import { readHttp } from '../support/http-api.ts';
import { stayPresent } from '../support/presence-frames.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { attendanceIn, trulyPresent } from '../support/week-truth.ts';

const project = join(__dirname, '..', '..');
const seed = Number(process.env['PRESENCE_SEED'] ?? 14);
const dayMillis = 86_400_000;
/** How many of the moments are asked by HTTP and in the client: rate limits make these take long. */
const requests = process.env['TEST_LONG'] ? 1000 : 100;

let stack: TestStack;
let session: Session;
let owner: Arrived;
let week: SimulatedWeek;
let moments: number[];
let token: string;

const get = (path: string) => readHttp(stack, path, token);

/** Reads with the code of the dashboard, which says of a throttle or a slow store that the service is busy. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ApiError && error.failure === 'busy')) throw error;
    }
  }
}

/** Runs a command of `npx rollcall` on the database of the stack. */
function rollcall(program: string[], ...more: string[]): Promise<{ code: number; output: string; errors: string }> {
  const node = join(project, 'node_modules', '.bin', 'node');
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: stack.stores.database.url };
  return new Promise((resolve) => {
    const options = { cwd: project, env, maxBuffer: 64 * 1024 * 1024 };
    execFile(node, [...program, ...more], options, (error, output, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output, errors }),
    );
  });
}

/** Asks for the first moments, some at a time, and returns the answers in the order of the moments. */
async function ask(
  requests: number,
  workers: number,
  one: (at: number, worker: number) => Promise<Stay[]>,
): Promise<Stay[][]> {
  const answers: Stay[][] = [];
  const left = [...moments.slice(0, requests).entries()];
  const work = async (_: unknown, worker: number) => {
    for (let next = left.pop(); next; next = left.pop()) answers[next[0]] = await one(next[1], worker);
  };
  await Promise.all(Array.from({ length: workers }, work));
  return answers;
}

/** Writes the week into the audit trail in parts. On a busy machine PostgreSQL may be too slow for one; it is written again. */
async function record({ entries }: SimulatedWeek): Promise<void> {
  const logger = createLogger({ pool: stack.database });
  for (let from = 0; from < entries.length; ) {
    const part = entries.slice(from, from + 100).map((entry) => ({ ...entry, mayRepeat: true }));
    const isWritten = await logger.logActivities(part).then(
      () => true,
      (error: unknown) => {
        if (!isAway(error)) throw error;
        return false;
      },
    );
    if (isWritten) from += part.length;
  }
}

beforeAll(async () => {
  stack = await startTestStack();
  ({ session, owner } = await stack.host('olive', { isPublic: false }));
  await stayPresent(owner, session.id);
  token = (await tokenOf(stack, 'olive')).token;
  const random = new SeededRandom(seed);
  week = simulateWeek(random, { sessionId: session.id, from: Math.floor(Date.now() / dayMillis - 8) * dayMillis });
  await record(week);
  // Half of the moments are at, or one millisecond beside, something that happened.
  moments = Array.from({ length: 1000 }, (_, n) =>
    n % 2
      ? week.from + random.below(week.to - week.from)
      : week.times[random.below(week.times.length)]! + random.int(-1, 1),
  );
});
afterAll(() => stack.close());

describe(`[PR9] who was here at 1,000 random moments of a simulated week (seed ${seed})`, () => {
  let expected: Stay[][];

  beforeAll(() => {
    expected = moments.map((at) => trulyPresent(week, at));
  });

  test('is a question with different answers', () => {
    expect(new Set(expected.map(({ length }) => length)).size).toBeGreaterThan(4);
    expect(new Set(week.stays.map(({ cause }) => cause)).size).toBeGreaterThan(2);
  });

  test('is the same in plain SQL over the audit trail', async () => {
    const { rows } = await stack.database.query(
      `SELECT m.n, array_agg(DISTINCT j.user_id::text) AS ids
       FROM unnest($2::float8[]) WITH ORDINALITY AS m (at, n) JOIN activity_log j
         ON j.session_id = $1 AND j.activity_type = 'user_joined' AND j.created_at <= to_timestamp(m.at / 1000)
       WHERE NOT EXISTS (
         SELECT FROM activity_log e WHERE e.session_id = $1 AND e.created_at >= j.created_at
           AND e.created_at <= to_timestamp(m.at / 1000)
           AND (e.activity_type IN ('session_ended', 'session_expired')
             OR e.user_id = j.user_id AND e.activity_type IN ('user_left', 'user_timeout')))
       GROUP BY m.n`,
      [session.id, moments],
    );
    const found = moments.map((): string[] => []);
    for (const { n, ids } of rows) found[Number(n) - 1] = ids;
    expect(found).toEqual(expected.map((stays) => stays.map(({ userId }) => userId).sort()));
  });

  test('is the same by HTTP', async () => {
    const answers = await ask(requests, 8, async (at) => {
      const { stays } = (await (await get(`/sessions/${session.id}/presence?at=${at}`)).json()) as { stays: Stay[] };
      return stays;
    });
    expect(answers).toEqual(expected.slice(0, requests));
  });

  test('is the same in the client', async () => {
    const clients: Client[] = Array.from({ length: 5 }, () =>
      createClient({ url: stack.websocket, token: async () => (await tokenOf(stack, 'olive')).token }),
    );
    const sessions = clients.map((client) => client.join(session.id));
    await Promise.all(sessions.map(({ ready }) => ready));
    const one = async (at: number, worker: number): Promise<Stay[]> => {
      for (;;) {
        try {
          return await sessions[worker]!.presenceAt(at);
        } catch (error) {
          const { code, retryAfterMillis } = error as { code?: string; retryAfterMillis?: number };
          if (code !== 'RATE_LIMITED' && code !== 'UNAVAILABLE') throw error;
          await new Promise((resolve) => setTimeout(resolve, retryAfterMillis ?? 0));
        }
      }
    };
    const answers = await ask(requests, clients.length, one);
    for (const client of clients) client.close();
    expect(answers).toEqual(expected.slice(0, requests));
  });

  test('is the same in the dashboard, from the audit trail as its page reads it', async () => {
    const operator = await tokenOf(stack, 'root', { admin: true });
    const reader = createTrailReader(
      createApi(stack.http, async () => operator.token),
      session.id,
    );
    const { entries, isComplete } = await patiently(() => readTrail(reader, 10_000));
    expect(isComplete).toBe(true);
    const people = staysOf(entries.toReversed());
    const answers = moments.map((at) =>
      presentAt(people, at).map(({ userId, name, joinedAt, leftAt, cause }) => ({
        ...{ userId, username: name, joinedAt, leftAt, cause },
      })),
    );
    expect(answers).toEqual(expected.map((stays) => stays.map(({ role: _, ...stay }) => stay)));
  });

  test('is the same by npx rollcall at', async () => {
    const times = moments.map((at, n) => (n % 3 ? String(at) : new Date(at).toISOString()));
    const { output } = await rollcall(['scripts/rollcall.mjs', 'at'], session.sessionId, '--json', ...times);
    const answers = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { sessionId: string; at: number; stays: Stay[] });
    expect(answers.map(({ at }) => at)).toEqual(moments);
    expect(answers.map(({ stays }) => stays)).toEqual(expected);
  });
});

describe('npx rollcall at', () => {
  test('says in words who was here, and why they left', async () => {
    const stay = week.stays.find(({ cause }) => cause === 'timeout')!;
    const { code, output } = await rollcall(['scripts/presence-at.ts'], session.id, String(stay.joinedAt));
    expect(code).toBe(0);
    const left = new Date(stay.leftAt!).toISOString();
    expect(output).toContain(`${stay.username} (${stay.role}, ${stay.userId})  joined`);
    expect(output).toContain(`left ${left}: timeout`);
  });

  test.each([
    [[], 'Name a session and a time'],
    [['SESSION-20260101-NOPE', '14:05'], 'There is no session "SESSION-20260101-NOPE"'],
    [['nonsense', '14:05'], 'There is no session "nonsense"'],
    [['SESSION-20260101-NOPE', '25:05'], 'The time "25:05" is not known'],
  ])('refuses %j with one sentence', async (given, sentence) => {
    const { code, errors } = await rollcall(['scripts/presence-at.ts'], ...given);
    expect([code, errors.trim().split('\n')]).toEqual([2, [expect.stringContaining(sentence)]]);
  });
});

describe('[AC5] attendance', () => {
  const withoutRole = (items: { role?: unknown }[]) => items.map(({ role: _, ...rest }) => rest);

  test('of random periods is what happened', async () => {
    const random = new SeededRandom(seed + 1);
    const logger = createLogger({ pool: stack.database });
    for (let n = 0; n < 100; n += 1) {
      const pick = () =>
        n % 2 ? week.from + random.below(week.to - week.from) : week.times[random.below(week.times.length)]!;
      const [from, to] = [pick(), pick()].sort((one, other) => one - other) as [number, number];
      const { items } = await logger.attendance(session.id, { from, to });
      expect({ from, to, items: withoutRole(items) }).toEqual({ from, to, items: attendanceIn(week, from, to) });
    }
  });

  test('is the same as JSON, as CSV in pages, and by npx rollcall attendance', async () => {
    const period = `from=${week.from}&to=${week.to}`;
    const { items } = (await (await get(`/sessions/${session.id}/attendance?${period}`)).json()) as {
      items: object[];
    };
    expect(withoutRole(items)).toEqual(attendanceIn(week, week.from, week.to));
    let csv = '';
    let path: string | undefined = `/sessions/${session.id}/attendance?${period}&format=csv&limit=5`;
    while (path !== undefined) {
      const page = await get(path);
      csv += await page.text();
      path = /<(.*)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    const lines = csv.trimEnd().split('\r\n');
    expect(lines).toEqual([
      '"userId","username","role","firstSeenAt","lastSeenAt","totalSeconds","stays","isPresent"',
      ...(items as ReturnType<typeof attendanceIn>).map((item) => {
        const times = [item.firstSeenAt, item.lastSeenAt].map((time) => new Date(time).toISOString());
        const role = (item as { role?: string }).role;
        const fields = [
          item.userId,
          item.username,
          role,
          ...times,
          item.totalMillis / 1000,
          item.stays,
          item.isPresent,
        ];
        return fields.map((field) => `"${field}"`).join(',');
      }),
    ]);
    const limits = ['--from', String(week.from), '--to', new Date(week.to).toISOString()];
    const command = await rollcall(['scripts/rollcall.mjs', 'attendance'], session.id, ...limits);
    expect(command.output).toBe(csv);
  });

  test('counts a user who is present until now, and says so', async () => {
    const before = Date.now();
    const { items } = (await (await get(`/sessions/${session.id}/attendance?from=${week.to}`)).json()) as {
      items: { userId: string; isPresent: boolean; lastSeenAt: number; stays: number }[];
    };
    const olive = items.find(({ userId }) => userId === owner.userId)!;
    expect(olive).toMatchObject({ isPresent: true });
    expect(olive.lastSeenAt).toBeGreaterThanOrEqual(before);
  });

  test('refuses a period that ends before it begins, and people who may not read the trail', async () => {
    const wrong = await get(`/sessions/${session.id}/attendance?from=2&to=1`);
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'INVALID_MESSAGE' }]);
    token = (await tokenOf(stack, 'stranger')).token;
    expect((await get(`/sessions/${session.id}/attendance`)).status).toBe(404);
  });
});
