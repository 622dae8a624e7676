/** An entry of the audit trail, as the rollup reads it. Times are Unix milliseconds. */
export interface CountedEntry {
  sessionId: string;
  /** For a guest who signed in, the user that they are. */
  userId: string | null;
  activityType: string;
  createdAt: number;
  /** Why a user left. */
  cause: string | null;
  /** `agent` for the joins and leaves of agents. In the entry of a user it means nothing. */
  kind?: string | null;
  /** `true` for a sign-in that ended the stay of the guest, because the user had one of their own. */
  stayEnded?: string | null;
  /** How long a user stayed, in seconds, as text. */
  seconds: string | null;
  /** When the session began, for an entry of its end; null if nothing tells it any more. */
  startedAt: number | null;
}

/** What `analytics_counts` counts by hour. The labels of `left` are causes, those of the two lengths are {@link lengthClasses}. */
export type Figure =
  | 'entries'
  | 'joined'
  | 'agent-joined'
  | 'left'
  | 'created'
  | 'ended'
  | 'stay'
  | 'stay-seconds'
  | 'session'
  | 'session-seconds';

/** What a batch of entries adds to each table. Times are the beginnings of minutes, hours and days, Unix milliseconds. */
export interface Tally {
  counts: { hour: number; figure: Figure; label: string; count: number }[];
  minutes: { minute: number; joined: number; departed: number }[];
  days: { day: number; joined: number; departed: number }[];
  types: { day: number; activityType: string; count: number }[];
  sessions: { day: number; sessionId: string; entries: number; joins: number }[];
  people: { day: number; personId: string }[];
}

const minuteMillis = 60_000;
const hourMillis = 60 * minuteMillis;
const dayMillis = 24 * hourMillis;

/** The classes of lengths: each begins at its seconds and ends where the next one begins. */
export const lengthClasses = [0, 60, 300, 900, 3600, 14_400, 86_400] as const;
/** Longer times are mistakes of a clock. */
const longestSeconds = 100 * 365 * 86_400;

/** Counts entries. Sums do not depend on the order of entries, so a late entry counts like any other. */
export function tallyOf(entries: readonly CountedEntry[]): Tally {
  const counts = new Sums<'count'>();
  const minutes = new Sums<'joined' | 'departed'>();
  const days = new Sums<'joined' | 'departed'>();
  const types = new Sums<'count'>();
  const sessions = new Sums<'entries' | 'joins'>();
  const people = new Sums<'entries'>();
  for (const entry of entries) {
    const [minute, day] = [floor(entry.createdAt, minuteMillis), floor(entry.createdAt, dayMillis)];
    const isAgent = isOfAgent(entry);
    const joined = !isAgent && entry.activityType === 'user_joined' ? 1 : 0;
    const departed = (!isAgent && isDeparture(entry)) || isUnion(entry) ? 1 : 0;
    for (const [figure, label, count] of figuresOf(entry)) {
      counts.add([floor(entry.createdAt, hourMillis), figure, label], { count });
    }
    types.add([day, entry.activityType], { count: 1 });
    sessions.add([day, entry.sessionId], { entries: 1, joins: joined });
    if (entry.userId !== null && !isAgent) people.add([day, entry.userId], { entries: 1 });
    if (joined + departed === 0) continue;
    minutes.add([minute], { joined, departed });
    days.add([day], { joined, departed });
  }
  return {
    counts: counts.rows(([hour, figure, label], sums) => ({ hour, figure, label, ...sums }) as Tally['counts'][number]),
    minutes: minutes.rows(([minute], sums) => ({ minute: Number(minute), ...sums })),
    days: days.rows(([day], sums) => ({ day: Number(day), ...sums })),
    types: types.rows(([day, type], sums) => ({ day: Number(day), activityType: String(type), ...sums })),
    sessions: sessions.rows(([day, session], sums) => ({ day: Number(day), sessionId: String(session), ...sums })),
    people: people.rows(([day, person]) => ({ day: Number(day), personId: String(person) })),
  };
}

/** The class of a length in seconds, as the label of a figure. */
export function lengthClassOf(seconds: number): string {
  return String(lengthClasses.findLast((from) => seconds >= from) ?? 0);
}

function figuresOf(entry: CountedEntry): [Figure, string, number][] {
  const figures: [Figure, string, number][] = [['entries', '', 1]];
  // Agents are no people: only their joins are counted, by themselves.
  if (isOfAgent(entry)) return entry.activityType === 'user_joined' ? [...figures, ['agent-joined', '', 1]] : figures;
  if (entry.activityType === 'user_joined') figures.push(['joined', '', 1]);
  if (entry.activityType === 'session_created') figures.push(['created', '', 1]);
  if (isDeparture(entry)) {
    figures.push(
      ['left', causeOf(entry), 1],
      ...lengthOf('stay', entry.seconds === null ? Number.NaN : Number(entry.seconds)),
    );
  }
  if (isEnd(entry)) {
    const started = entry.startedAt ?? Number.NaN;
    figures.push(['ended', '', 1], ...lengthOf('session', (entry.createdAt - started) / 1000));
  }
  return figures;
}

function lengthOf(figure: 'stay' | 'session', given: number): [Figure, string, number][] {
  if (!(given >= 0 && given <= longestSeconds)) return [];
  const seconds = Math.round(given);
  return [
    [figure, lengthClassOf(seconds), 1],
    [`${figure}-seconds`, '', seconds],
  ];
}

const ofAgents = ['user_joined', 'user_left', 'user_timeout', 'agent_reassigned'];
/** Only the server writes these entries, so no user can appear as an agent. */
const isOfAgent = ({ activityType, kind }: CountedEntry) => kind === 'agent' && ofAgents.includes(activityType);
const isDeparture = ({ activityType }: CountedEntry) => activityType === 'user_left' || activityType === 'user_timeout';
/** Two people who were present became one. Nobody left, so no leave is counted. */
const isUnion = ({ activityType, stayEnded }: CountedEntry) =>
  activityType === 'guest_signed_in' && stayEnded === 'true';
const isEnd = ({ activityType }: CountedEntry) =>
  activityType === 'session_ended' || activityType === 'session_expired';
const causeOf = ({ activityType, cause }: CountedEntry) =>
  activityType === 'user_timeout' ? 'timeout' : (cause ?? 'unknown');
const floor = (time: number, step: number) => Math.floor(time / step) * step;

/** Sums of numbers by keys. */
class Sums<Name extends string> {
  readonly #rows = new Map<string, { key: (string | number)[]; sums: Record<Name, number> }>();

  add(key: (string | number)[], more: Record<Name, number>): void {
    const name = JSON.stringify(key);
    const row = this.#rows.get(name);
    if (!row) this.#rows.set(name, { key, sums: { ...more } });
    else for (const each of Object.keys(more) as Name[]) row.sums[each] += more[each];
  }

  rows<Row>(make: (key: (string | number)[], sums: Record<Name, number>) => Row): Row[] {
    return [...this.#rows.values()].map(({ key, sums }) => make(key, sums));
  }
}
