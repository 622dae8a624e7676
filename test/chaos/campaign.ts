import { setTimeout as pause } from 'node:timers/promises';
import { Attendee } from '../../bench/storm/attendee.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { readTimings } from '../../protocol/timings.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { Findings } from './findings.ts';
import { type Bounds, Inspector } from './inspector.ts';
import { Person } from './person.ts';
import { losesFrames, type Phase } from './phases.ts';
import { checkQuiet } from './quiet-point.ts';
import { checkRecords } from './records.ts';
import type { Room } from './room.ts';
import type { Tab } from './tab.ts';
import type { TestBed } from './test-bed.ts';

export interface CampaignOptions {
  /** The settings of the running stack. */
  settings: Record<string, string>;
  users: number;
  rooms: number;
  seed: number;
  /** The mean time between two actions of a user, in milliseconds. */
  paceMillis: number;
  phases: readonly Phase[];
  phaseMillis: number;
  /** After how many phases the views are compared. */
  phasesPerComparison: number;
  /** The longest time for the joins before the first phase, in milliseconds. Later users join during the phases. */
  gatherMillis: number;
  /** Phases begin until this time after the first one, and there are at least `least` phases. */
  untilMillis: number;
  leastPhases?: number;
  /** How long the release of a slot may take after a lost leave, in milliseconds. */
  slotsLimitMillis: number;
  /** How long a run waits for that. If it is shorter than the limit, a slot that is still held is no violation. */
  slotsWaitMillis?: number;
  /** A comparison that takes longer is a violation. */
  restLimitMillis?: number;
  /** How much later than the rules allow a view may be correct, because other tests keep the machine busy. In milliseconds. */
  busyMillis?: number;
  progress?(findings: Findings, rooms: Room[]): void;
}

/** The time for an announcement after the timeout: the tick of the sweep, a window and the delivery (rule PR12). */
const announceMillis = 5000;
const lookMillis = 1000;
const progressMillis = 10_000;
/** The time until the service has noticed the return of a store and restored the state. */
const recoveryMillis = 3000;
/** The time until a tab that was frozen has sent its first frames and received all missed ones. */
const thawMillis = 10_000;

/** Simulates users while services fail on purpose, and compares their views with the true state. */
export async function runCampaign(testBed: TestBed, options: CampaignOptions): Promise<Findings> {
  const findings = new Findings();
  const random = new SeededRandom(options.seed);
  const { heartbeatMillis, offlineAfterMillis, graceMillis } = readTimings(options.settings);
  const { busyMillis = 0 } = options;
  const overdueMillis = announceMillis + busyMillis;
  const bounds: Bounds = {
    heartbeatMillis: heartbeatMillis + busyMillis,
    overdueMillis,
    offlineAfterMillis,
    graceMillis,
  };
  const rooms: Room[] = [];
  for (let index = 0; index < options.rooms; index += 1) rooms.push(await openRoom(testBed, index));
  const inspector = new Inspector(rooms, bounds, findings);
  await invite(testBed, rooms, options, { random, findings, inspector });
  let looked = Date.now();
  const clock = setInterval(() => {
    const now = Date.now();
    findings.longest('standstill of this process', now - looked - lookMillis);
    looked = now;
    inspector.look(now);
  }, lookMillis);
  const progress = setInterval(() => options.progress?.(findings, rooms), progressMillis);
  try {
    await gather(rooms, options, { findings, inspector });
    await liveThrough(testBed, rooms, options, { random, findings, inspector });
  } finally {
    clearInterval(clock);
    clearInterval(progress);
    testBed.faults.set({});
    for (const room of rooms) for (const person of room.people) person.end();
  }
  judgeErrors(testBed, findings);
  return findings;
}

interface Means {
  random: SeededRandom;
  findings: Findings;
  inspector: Inspector;
}

async function openRoom(testBed: TestBed, index: number): Promise<Room> {
  const { token } = await tokenOf(testBed, `host-${index}`);
  const host = new Attendee({ websocket: testBed.websocket, token, sessionId: '' });
  await host.connect();
  const metadata = { isPublic: true, maxParticipants: 1000 };
  const created = await host.ask({ type: 'session_create', operationId: `chaos-${index}`, metadata });
  if (created?.type !== 'session_created') throw new Error(`No session could be made: ${JSON.stringify(created)}`);
  const sessionId = created.session.id;
  await host.ask({ type: 'session_leave', sessionId });
  host.close();
  return { sessionId, people: [] };
}

async function invite(
  testBed: TestBed,
  rooms: Room[],
  { users, settings }: CampaignOptions,
  means: Means,
): Promise<void> {
  const { heartbeatMillis, graceMillis, offlineAfterMillis } = readTimings(settings);
  for (let index = 0; index < users; index += 1) {
    const room = rooms[index % rooms.length]!;
    const { token, userId } = await tokenOf(testBed, `person-${index}`);
    const person: Person = new Person({
      websocket: testBed.websocket,
      token,
      userId,
      sessionId: room.sessionId,
      random: new SeededRandom(means.random.seed()),
      timings: { heartbeatMillis, graceMillis, offlineAfterMillis },
      listener: {
        heard: (frame, bytes, tab) => {
          means.findings.frame(frame, bytes);
          if (frame.type === 'presence_diff') means.inspector.hear(room, person, frame, Date.now());
          if (frame.type === 'error') noteError(frame, tab, { ...means, reasons: () => reasonsFor(userId, testBed) });
        },
        odd: (sentence) => means.findings.violated('odd', sentence),
      },
    });
    room.people.push(person);
  }
}

/** All users join one after another before the first fault, so that the cold starts are over. */
async function gather(
  rooms: Room[],
  { gatherMillis }: CampaignOptions,
  { findings, inspector }: Pick<Means, 'findings' | 'inspector'>,
): Promise<void> {
  inspector.calmSince = Number.POSITIVE_INFINITY;
  const people = rooms.flatMap((room) => room.people);
  const deadline = Date.now() + gatherMillis;
  for (const person of people) {
    if (Date.now() >= deadline) break;
    const tab = person.openTab();
    while (tab.joinedAt === undefined && Date.now() < deadline) await pause(10);
  }
  findings.count('users before the first phase', people.filter(({ tabs }) => tabs.length > 0).length);
  inspector.calmSince = Date.now();
}

/** The permitted error codes in each phase; other errors are violations. */
function noteError(
  { code, message }: ServerFrame<'error'>,
  tab: Tab,
  { findings, inspector, reasons }: Means & { reasons: () => string },
): void {
  findings.count(`error ${code}`);
  const now = Date.now();
  const interrupted = now < inspector.calmSince + recoveryMillis;
  // A user who was frozen notices only now that a post to them was answered with 410.
  const taken = now < inspector.goneUntil || (inspector.goneUntil > 0 && now < tab.thawedAt + thawMillis);
  // A leave whose answer was lost is requested again.
  const forgotten = interrupted || taken || tab.leaving;
  // On a slow machine the service may answer UNAVAILABLE without a fault too; the report has the count.
  const expected = code === 'UNAVAILABLE' || (code === 'NOT_IN_SESSION' && forgotten);
  if (expected) return;
  const since = (at: number | undefined) => (at ? `${now - at} ms ago` : 'never');
  const stay = `Joined ${since(tab.joinedAt)}, thawed ${since(tab.thawedAt)}`;
  findings.violated('error', `${code}: ${message} ${stay}. The functions logged: ${reasons()}`);
}

/** How many log lines about the user an error report has. */
const keptLines = 5;

/** The newest errors and warnings that the functions logged about a user. */
function reasonsFor(userId: string, { lines }: TestBed): string {
  const about = lines.filter((line) => line.includes(userId) && /\b(?:ERROR|WARN)\b/.test(line));
  return about.slice(-keptLines).join(' | ') || 'nothing';
}

async function liveThrough(testBed: TestBed, rooms: Room[], options: CampaignOptions, means: Means): Promise<void> {
  const ends = Date.now() + options.untilMillis;
  const people = rooms.flatMap((room) => room.people);
  let isQuiet = true;
  // A phase that would have less than half of its time does not begin.
  const isOver = () => Date.now() + options.phaseMillis / 2 >= ends;
  for (let index = 0; index < (options.leastPhases ?? 0) || !isOver(); index += 1) {
    const phase = options.phases[index % options.phases.length]!;
    const stop = keepActing(people, options.paceMillis, means.random);
    await live(testBed, phase, options, means);
    stop();
    isQuiet = (index + 1) % options.phasesPerComparison === 0;
    if (isQuiet) await rest(testBed, rooms, options, means);
  }
  if (!isQuiet) await rest(testBed, rooms, options, means);
}

/** Lets each user act by their own clock. @returns the function that stops them. */
function keepActing(people: Person[], paceMillis: number, random: SeededRandom): () => void {
  const timers = new Map<Person, NodeJS.Timeout>();
  const next = (person: Person) => {
    timers.set(
      person,
      setTimeout(() => {
        person.act();
        next(person);
      }, random.around(paceMillis)),
    );
  };
  for (const person of people) next(person);
  return () => {
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

async function live(testBed: TestBed, phase: Phase, options: CampaignOptions, means: Means): Promise<void> {
  const { findings, inspector, random } = means;
  const { heartbeatMillis, offlineAfterMillis } = readTimings(options.settings);
  const heal = heartbeatMillis + recoveryMillis;
  findings.phase = phase.name;
  findings.count(`phase: ${phase.name}`);
  testBed.faults.set({ ...phase.faults, seed: random.seed() });
  inspector.lossy = losesFrames(phase);
  if (phase.faults.gone) inspector.goneUntil = Number.POSITIVE_INFINITY;
  if (phase.strike) {
    inspector.calmSince = Number.POSITIVE_INFINITY;
    await pause(options.phaseMillis / 4);
    const from = Date.now();
    await phase.strike(testBed);
    if (phase.forgets) inspector.dataLoss = { from, until: Date.now() };
    inspector.calmSince = Date.now() + heal;
  }
  await pause(options.phaseMillis * (phase.strike ? 3 / 4 : 1));
  testBed.faults.set({});
  inspector.goneUntil = phase.faults.gone ? Date.now() + offlineAfterMillis + heal : inspector.goneUntil;
}

async function rest(testBed: TestBed, rooms: Room[], options: CampaignOptions, means: Means): Promise<void> {
  const { findings, inspector } = means;
  const { slotsLimitMillis: limitMillis, slotsWaitMillis: waitMillis = limitMillis, restLimitMillis } = options;
  findings.phase = 'quiet';
  const compare = async () => {
    await checkQuiet(rooms, inspector, announceMillis, findings, restLimitMillis && restLimitMillis / 2);
    await checkRecords(testBed, rooms, findings, { limitMillis, waitMillis });
  };
  const inTime = await settledWithin(compare(), restLimitMillis);
  if (!inTime) findings.violated('quiet', `the comparison was not complete within ${restLimitMillis} ms`);
}

/** Whether the work ends within the limit, if there is one. @throws what the work throws. */
async function settledWithin(work: Promise<void>, limitMillis: number | undefined): Promise<boolean> {
  const ended = work.then(() => true);
  if (limitMillis === undefined) return ended;
  const stop = new AbortController();
  const late = pause(limitMillis, false, { signal: stop.signal });
  late.catch(() => {});
  try {
    return await Promise.race([ended, late]);
  } finally {
    stop.abort();
  }
}

/** Log texts that no fault of a store or service explains: a bug in the code, or a missing permission. */
const bugs = /TypeError|ReferenceError|SyntaxError|INTERNAL|AccessDenied|did not grant/;

/** Reports each INTERNAL error in the log as a violation, because it is a bug. */
function judgeErrors({ lines }: TestBed, findings: Findings): void {
  for (const line of lines.filter((one) => /\bERROR\b/.test(one))) {
    findings.count('log lines of level ERROR');
    if (bugs.test(line)) findings.violated('log', line.slice(0, 400));
  }
}

async function tokenOf({ http }: TestBed, user: string): Promise<{ token: string; userId: string }> {
  const response = await fetch(`${http}/dev/token?user=${user}&name=${user}`);
  return (await response.json()) as { token: string; userId: string };
}
