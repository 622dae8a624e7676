import type { Pool } from 'pg';
import { v5 as uuidv5 } from 'uuid';
import { type ActivityParams, makeEntry } from '../../lambdas/activity/activity-entry.ts';
import { sessionCreated } from '../../lambdas/activity/activity-events.ts';
import { ActivityRepository } from '../../lambdas/activity/activity-repository.ts';
import { ChainSealer } from '../../lambdas/activity/chain-sealer.ts';
import { CheckpointMaker } from '../../lambdas/activity/checkpoint-maker.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { Random } from '../random.ts';
import type { FilledSession } from './filled-session.ts';
import { localSigner } from './local-signer.ts';
import { type SimulatedWeek, simulateWeek, type WeekPerson, weekMillis } from './simulated-week.ts';
import { writeSessions } from './write-sessions.ts';

const dayMillis = 86_400_000;
const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
const namespace = '5b1c3f6e-6d55-4f53-9d0f-6a1d4f6f0b1e';
/** So many entries are written with one statement. */
const chunk = 5000;
const firstNames =
  'Ada Ben Chiara Dmitri Elif Femi Greta Hugo Ines Jun Kofi Lena Mira Noor Otto Pia Quinn Rosa Sven Tara'.split(' ');
const lastNames =
  'Adler Brandt Costa Diallo Ekman Fischer Garcia Haas Ito Jansen Kaya Lund Meyer Novak Okafor Petit Rossi Sato Weber Yilmaz'.split(
    ' ',
  );
const subjects = [
  'Garden day',
  'Spring menu',
  'Release notes',
  'Stage plan',
  'Budget',
  'Floor plan',
  'Survey',
  'Reading list',
];

export interface FillWeekOptions {
  sessions: number;
  /** How many entries the audit trail has. At least fifty for each session. */
  entries: number;
  /** The end of the week, Unix milliseconds. Who is in a session then stays in it. */
  to: number;
  /** Another seed gives another week. */
  seed?: number;
}

/**
 * Fills the stores of a stack with the week of a service: users, sessions, who is in them, and a sealed audit trail with a
 * checkpoint, which the analytics have counted. The entries are written and sealed by the code of the product. The first session has
 * a fiftieth of the entries and forty people, the others about as many entries as each other.
 *
 * @returns the sessions with what is true of them.
 */
export async function fillWeek(pool: Pool, options: FillWeekOptions): Promise<FilledSession[]> {
  const { sessions: many, to } = options;
  const sessions = simulateSessions(options);
  await writeSessions(pool, sessions, peopleOf(many));
  await writeTrail(pool, sessions);
  await pool.query('ANALYZE');
  await new ChainSealer(pool, () => to).run(Number.POSITIVE_INFINITY);
  await pool.query('ANALYZE');
  await new CheckpointMaker({
    ...{ pool, signer: localSigner(), clock: () => to, retentionMillis: retention.activityRetentionMillis },
  }).run();
  await new AnalyticsRollup({ pool, clock: () => to, ...retention }).run(Number.POSITIVE_INFINITY);
  await pool.query('ANALYZE');
  return sessions;
}

function simulateSessions({ sessions: many, entries, to, seed = 1 }: FillWeekOptions): FilledSession[] {
  const random = new Random(seed);
  const people = peopleOf(many);
  const sessions: FilledSession[] = [];
  let left = entries;
  for (let n = 1; n <= many; n += 1) {
    const id = uuidv5(`session ${n} of ${seed}`, namespace);
    const isLarge = n === 1;
    const share = isLarge ? entries / 50 : left / (many - n + 1);
    const come = choose(random, people, isLarge ? 40 : 4 + random.below(5));
    const week = simulateWeek(random, {
      ...{ sessionId: id, from: to - weekMillis, people: come, pauseHours: isLarge ? 40 : 90, lateShare: 0.15 },
      entries: Math.round(share) - 1,
    });
    const owner = firstStay(week);
    week.entries.unshift({
      ...sessionCreated({ sessionId: id, userId: owner.userId, username: owner.username }, `week-${n}`),
      at: owner.joinedAt,
    });
    left -= week.entries.length;
    sessions.push({ id, owner, name: `SESSION-WEEK-${n}`, title: `${random.one(subjects)} ${n}`, week });
  }
  return sessions;
}

/** The first stay of all, which is that of the owner. */
const firstStay = ({ stays }: SimulatedWeek) =>
  stays.reduce((first, stay) => (stay.joinedAt < first.joinedAt ? stay : first));

/** A fifth as many people as sessions, so that each comes to several. */
function peopleOf(sessions: number): WeekPerson[] {
  const many = Math.min(400, Math.max(50, Math.ceil(sessions / 5)));
  return Array.from({ length: many }, (_, n) => ({
    userId: uuidv5(`person ${n}`, namespace),
    username: `${firstNames[n % 20]} ${lastNames[(n + Math.floor(n / 20)) % 20]}`,
  }));
}

function choose(random: Random, people: readonly WeekPerson[], many: number): WeekPerson[] {
  const chosen = new Set<WeekPerson>();
  while (chosen.size < many) chosen.add(random.one(people));
  return [...chosen];
}

/** Writes the entries as the product does: each with its ticket for the sealer. */
async function writeTrail(pool: Pool, sessions: readonly FilledSession[]): Promise<void> {
  const repository = new ActivityRepository(pool);
  let waiting: ActivityParams[] = [];
  const write = async () => {
    await repository.insert(waiting.map((params) => makeEntry(params, params.at!)));
    waiting = [];
  };
  for (const { week } of sessions) {
    waiting.push(...week.entries.toSorted((one, other) => one.at! - other.at!).map(withConnection));
    if (waiting.length >= chunk) await write();
  }
  if (waiting.length > 0) await write();
}

/** What people did came from a connection. */
const withConnection = (params: ActivityParams): ActivityParams =>
  params.userId === null ? params : { ...params, ipAddress: '192.0.2.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' };
