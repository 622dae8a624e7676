/**
 * The process in which everybody of a room lives, apart from the servers, so that their CPU time is their own. It is told
 * what to do by its parent, says `begin` and `end` of what counts, and then what came of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Crowd, CrowdOptions, Ears, Member } from './crowd.ts';
import { type CrowdName, crowds } from './crowds/crowds.ts';
import { firstPosition, type Room } from './room.ts';
import { type Tallied, Tally } from './tally.ts';

export interface LoadRequest extends CrowdOptions {
  crowd: CrowdName;
  warmUpMillis: number;
  measuredMillis: number;
  /** How long what is under way may take to arrive. */
  drainMillis: number;
}

/** What the members of a room sent and received while it counted, what arrived afterwards included. */
export interface Traffic {
  sentFrames: number;
  receivedFrames: number;
  /** Received frames as API Gateway bills them, each 32 KB one. */
  receivedUnits: number;
  receivedBytes: number;
}

export interface LoadResult extends Tallied, Traffic {
  /** CPU seconds of this process, to tell where it was what ran out of breath. */
  loadSeconds: number;
}

export type LoadReport = { phase: 'begin' | 'end' } | { result: LoadResult } | { failed: string };

const joinedAtOnce = 4;
const joinAttempts = 8;
const joinPauseMillis = 1000;
const billedBytes = 32 * 1024;

/** Counts frames while it is told to. */
class TrafficMeter {
  counting = false;
  readonly traffic: Traffic = { sentFrames: 0, receivedFrames: 0, receivedUnits: 0, receivedBytes: 0 };

  sent(): void {
    if (this.counting) this.traffic.sentFrames += 1;
  }

  received(bytes: number): void {
    if (!this.counting) return;
    this.traffic.receivedFrames += 1;
    this.traffic.receivedUnits += Math.max(1, Math.ceil(bytes / billedBytes));
    this.traffic.receivedBytes += bytes;
  }
}

async function gather(request: LoadRequest, tally: Tally, meter: TrafficMeter): Promise<Member[]> {
  const crowd = await crowds[request.crowd](request);
  const earsOf = (place: number): Ears => ({
    heard: (sender, position) => tally.heard(place, sender, position - firstPosition, performance.now()),
    received: (bytes) => meter.received(bytes),
    sent: () => meter.sent(),
  });
  const members = [await joinPatiently(crowd, 0, earsOf(0))];
  for (let next = 1; next < request.room.members; next += joinedAtOnce) {
    const places = Array.from({ length: Math.min(joinedAtOnce, request.room.members - next) }, (_, n) => next + n);
    members.push(...(await Promise.all(places.map((place) => joinPatiently(crowd, place, earsOf(place))))));
  }
  return members;
}

/** On a busy machine a cold server refuses some at first; a client tries again, as in real life. */
async function joinPatiently(crowd: Crowd, place: number, ears: Ears, attempt = 1): Promise<Member> {
  try {
    return await crowd.join(place, ears);
  } catch (error) {
    if (attempt === joinAttempts) throw error;
    await pause(joinPauseMillis);
    return joinPatiently(crowd, place, ears, attempt + 1);
  }
}

/** Lets the senders move, each at its own moment of the period. @returns how to stop them. */
function startMoving(members: Member[], { senders, hertz }: Room, tally: Tally): () => void {
  const period = 1000 / hertz;
  const timers: NodeJS.Timeout[] = [];
  for (const [sender, member] of members.slice(0, senders).entries()) {
    const move = () => member.move(firstPosition + tally.sent(sender, performance.now()));
    const first = setTimeout(
      () => {
        move();
        timers.push(setInterval(move, period));
      },
      (period * sender) / senders,
    );
    timers.push(first);
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };
}

async function run(request: LoadRequest): Promise<LoadResult> {
  const tally = new Tally(request.room.members);
  const meter = new TrafficMeter();
  const members = await gather(request, tally, meter);
  const stop = startMoving(members, request.room, tally);
  await pause(request.warmUpMillis);
  const before = process.cpuUsage();
  tell({ phase: 'begin' });
  tally.begin();
  meter.counting = true;
  await pause(request.measuredMillis);
  stop();
  tally.end();
  await pause(request.drainMillis);
  meter.counting = false;
  tell({ phase: 'end' });
  const { user, system } = process.cpuUsage(before);
  for (const member of members) member.close();
  return { ...tally.result(), ...meter.traffic, loadSeconds: (user + system) / 1e6 };
}

function tell(report: LoadReport): void {
  process.send!(report);
}

process.once('message', (request: LoadRequest) => {
  run(request)
    .then((result) => tell({ result }))
    .catch((error: Error) => tell({ failed: error.message }))
    .finally(() => process.disconnect());
});
