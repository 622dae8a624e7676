import { setTimeout as pause } from 'node:timers/promises';
import { Attendee } from '../../bench/storm/attendee.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { readTimings } from '../../protocol/timings.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { Findings } from './findings.ts';
import { type Bounds, Inspector } from './inspector.ts';
import { Person } from './person.ts';
import { checkQuiet } from './quiet-point.ts';
import { checkRecords } from './records.ts';
import type { Room } from './room.ts';
import type { Tab } from './tab.ts';
import type { Venue } from './venue.ts';
import { losesFrames, type Weather } from './weather.ts';

export interface CampaignOptions {
  /** Settings of the stack that runs. */
  settings: Record<string, string>;
  users: number;
  rooms: number;
  seed: number;
  /** How often somebody does something, on average. */
  paceMillis: number;
  weathers: readonly Weather[];
  weatherMillis: number;
  /** After how many weathers everything has to come to rest and agree. */
  weathersPerQuietPoint: number;
  /** Everybody is invited before the first weather, if that takes no longer. Who is late comes during the weathers. */
  gatherMillis: number;
  /** Another weather comes until then, counted from the first one, and at least so many. */
  untilMillis: number;
  leastWeathers?: number;
  /** How long a place whose departure was lost may take to be given back. */
  placesLimitMillis: number;
  /** How long a run waits for that. If it is shorter than the limit, a place that is still kept proves nothing. */
  placesWaitMillis?: number;
  /** A quiet point that takes longer is a violation. */
  restLimitMillis?: number;
  /** How much later than the rules say a view may be right; for a machine that other tests keep busy. */
  busyMillis?: number;
  progress?(findings: Findings, rooms: Room[]): void;
}

/** Announcements above the bound of a user's record: the sweep's tick, a window, the way (rule PR12). */
const announceMillis = 5000;
const lookMillis = 1000;
const progressMillis = 10_000;
/** A store that is back has to be found again, and what it missed restored. */
const recoveryMillis = 3000;
/** What a tab that was frozen sends first, and all that it missed, are behind it by then. */
const thawMillis = 10_000;

/** Lets people do what people do in a cloud that misbehaves, and holds what they see to what is true. */
export async function runCampaign(venue: Venue, options: CampaignOptions): Promise<Findings> {
  const findings = new Findings();
  const random = new SeededRandom(options.seed);
  const { heartbeatMillis, offlineAfterMillis, graceMillis } = readTimings(options.settings);
  const { busyMillis = 0 } = options;
  const ghostMillis = announceMillis + busyMillis;
  const bounds: Bounds = {
    heartbeatMillis: heartbeatMillis + busyMillis,
    ghostMillis,
    offlineAfterMillis,
    graceMillis,
  };
  const rooms: Room[] = [];
  for (let index = 0; index < options.rooms; index += 1) rooms.push(await openRoom(venue, index));
  const inspector = new Inspector(rooms, bounds, findings);
  await invite(venue, rooms, options, { random, findings, inspector });
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
    await liveThrough(venue, rooms, options, { random, findings, inspector });
  } finally {
    clearInterval(clock);
    clearInterval(progress);
    venue.faults.set({});
    for (const room of rooms) for (const person of room.people) person.end();
  }
  judgeErrors(venue, findings);
  return findings;
}

interface Means {
  random: SeededRandom;
  findings: Findings;
  inspector: Inspector;
}

async function openRoom(venue: Venue, index: number): Promise<Room> {
  const { token } = await tokenOf(venue, `host-${index}`);
  const host = new Attendee({ websocket: venue.websocket, token, sessionId: '' });
  await host.connect();
  const metadata = { isPublic: true, maxParticipants: 1000 };
  const created = await host.ask({ type: 'session_create', operationId: `chaos-${index}`, metadata });
  if (created?.type !== 'session_created') throw new Error(`No session could be made: ${JSON.stringify(created)}`);
  const sessionId = created.session.id;
  await host.ask({ type: 'session_leave', sessionId });
  host.close();
  return { sessionId, people: [] };
}

async function invite(venue: Venue, rooms: Room[], { users, settings }: CampaignOptions, means: Means): Promise<void> {
  const { heartbeatMillis, graceMillis, offlineAfterMillis } = readTimings(settings);
  for (let index = 0; index < users; index += 1) {
    const room = rooms[index % rooms.length]!;
    const { token, userId } = await tokenOf(venue, `person-${index}`);
    const person: Person = new Person({
      websocket: venue.websocket,
      token,
      userId,
      sessionId: room.sessionId,
      random: new SeededRandom(means.random.seed()),
      timings: { heartbeatMillis, graceMillis, offlineAfterMillis },
      listener: {
        heard: (frame, bytes, tab) => {
          means.findings.frame(frame, bytes);
          if (frame.type === 'presence_diff') means.inspector.hear(room, person, frame, Date.now());
          if (frame.type === 'error') noteError(frame, tab, { ...means, reasons: () => reasonsFor(userId, venue) });
        },
        odd: (sentence) => means.findings.violated('odd', sentence),
      },
    });
    room.people.push(person);
  }
}

/** Everybody comes, one after another, so that the first trouble meets people and not cold functions. */
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
  findings.count('users before the first weather', people.filter(({ tabs }) => tabs.length > 0).length);
  inspector.calmSince = Date.now();
}

/** What people may be answered in which trouble; anything else is a violation. */
function noteError(
  { code, message }: ServerFrame<'error'>,
  tab: Tab,
  { findings, inspector, reasons }: Means & { reasons: () => string },
): void {
  findings.count(`error ${code}`);
  const now = Date.now();
  const interrupted = now < inspector.calmSince + recoveryMillis;
  // Whoever was frozen hears only now that a post to them was answered 410 meanwhile.
  const taken = now < inspector.goneUntil || (inspector.goneUntil > 0 && now < tab.thawedAt + thawMillis);
  // A leave whose answer was lost is asked for again.
  const forgotten = interrupted || taken || tab.leaving;
  // A machine that is too slow for its stores says so, in clear weather too; the count shows it.
  const expected = code === 'UNAVAILABLE' || (code === 'NOT_IN_SESSION' && forgotten);
  if (expected) return;
  const since = (at: number | undefined) => (at ? `${now - at} ms ago` : 'never');
  const stay = `Joined ${since(tab.joinedAt)}, thawed ${since(tab.thawedAt)}`;
  findings.violated('error', `${code}: ${message} ${stay}. The functions logged: ${reasons()}`);
}

/** How many log lines about a user an error is reported with. */
const keptLines = 5;

/** The newest errors and warnings that the functions logged about a user. */
function reasonsFor(userId: string, { lines }: Venue): string {
  const about = lines.filter((line) => line.includes(userId) && /\b(?:ERROR|WARN)\b/.test(line));
  return about.slice(-keptLines).join(' | ') || 'nothing';
}

async function liveThrough(venue: Venue, rooms: Room[], options: CampaignOptions, means: Means): Promise<void> {
  const ends = Date.now() + options.untilMillis;
  const people = rooms.flatMap((room) => room.people);
  let isQuiet = true;
  // A weather of which less than half would be left does not begin.
  const isOver = () => Date.now() + options.weatherMillis / 2 >= ends;
  for (let index = 0; index < (options.leastWeathers ?? 0) || !isOver(); index += 1) {
    const weather = options.weathers[index % options.weathers.length]!;
    const stop = keepActing(people, options.paceMillis, means.random);
    await live(venue, weather, options, means);
    stop();
    isQuiet = (index + 1) % options.weathersPerQuietPoint === 0;
    if (isQuiet) await rest(venue, rooms, options, means);
  }
  if (!isQuiet) await rest(venue, rooms, options, means);
}

/** Everybody acts by a clock of their own until the answer is called. */
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

async function live(venue: Venue, weather: Weather, options: CampaignOptions, means: Means): Promise<void> {
  const { findings, inspector, random } = means;
  const { heartbeatMillis, offlineAfterMillis } = readTimings(options.settings);
  const heal = heartbeatMillis + recoveryMillis;
  findings.weather = weather.name;
  findings.count(`weather: ${weather.name}`);
  venue.faults.set({ ...weather.faults, seed: random.seed() });
  inspector.lossy = losesFrames(weather);
  if (weather.faults.gone) inspector.goneUntil = Number.POSITIVE_INFINITY;
  if (weather.strike) {
    inspector.calmSince = Number.POSITIVE_INFINITY;
    await pause(options.weatherMillis / 4);
    const from = Date.now();
    await weather.strike(venue);
    if (weather.forgets) inspector.amnesia = { from, until: Date.now() };
    inspector.calmSince = Date.now() + heal;
  }
  await pause(options.weatherMillis * (weather.strike ? 3 / 4 : 1));
  venue.faults.set({});
  inspector.goneUntil = weather.faults.gone ? Date.now() + offlineAfterMillis + heal : inspector.goneUntil;
}

async function rest(venue: Venue, rooms: Room[], options: CampaignOptions, means: Means): Promise<void> {
  const { findings, inspector } = means;
  const { placesLimitMillis: limitMillis, placesWaitMillis: waitMillis = limitMillis, restLimitMillis } = options;
  findings.weather = 'quiet';
  const compare = async () => {
    await checkQuiet(rooms, inspector, announceMillis, findings, restLimitMillis && restLimitMillis / 2);
    await checkRecords(venue, rooms, findings, { limitMillis, waitMillis });
  };
  const inTime = await settledWithin(compare(), restLimitMillis);
  if (!inTime) findings.violated('quiet', `not everything could be compared within ${restLimitMillis} ms`);
}

/** Whether the work ends in time; without a limit it always does. @throws what the work throws. */
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

/** What no trouble of a store or of the cloud explains: a bug in the code, or something the stack did not grant. */
const bugs = /TypeError|ReferenceError|SyntaxError|INTERNAL|AccessDenied|did not grant/;

/** The service may never have been at a loss: what it calls INTERNAL is a bug. */
function judgeErrors({ lines }: Venue, findings: Findings): void {
  for (const line of lines.filter((one) => /\bERROR\b/.test(one))) {
    findings.count('log lines of level ERROR');
    if (bugs.test(line)) findings.violated('log', line.slice(0, 400));
  }
}

async function tokenOf({ http }: Venue, user: string): Promise<{ token: string; userId: string }> {
  const response = await fetch(`${http}/dev/token?user=${user}&name=${user}`);
  return (await response.json()) as { token: string; userId: string };
}
