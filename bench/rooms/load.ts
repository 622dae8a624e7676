/**
 * The process with all clients of a room. It is separate from the servers, so that its CPU time is not counted as
 * theirs. The parent process tells it to open a room and then to measure, any number of times. It reports the `begin`
 * and the `end` of each measurement, and then the result. Between measurements no client moves.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Crowd, CrowdOptions, Member, MemberListener } from './crowd.ts';
import { type CrowdName, crowds } from './crowds/crowds.ts';
import { firstPosition, type Room } from './room.ts';
import { type Tallied, Tally } from './tally.ts';

export interface LoadRequest extends CrowdOptions {
  crowd: CrowdName;
  warmUpMillis: number;
  /** How long all clients move before the measurement begins. */
  settleMillis: number;
  measuredMillis: number;
  /** How long to wait for updates in flight. */
  drainMillis: number;
}

export type LoadCommand = { open: LoadRequest } | 'measure';

/** What the members of a room sent and received during the measurement, including late arrivals. */
export interface Traffic {
  sentFrames: number;
  receivedFrames: number;
  /** Received frames as API Gateway bills them: one for each 32 KB. */
  receivedUnits: number;
  receivedBytes: number;
}

export interface LoadResult extends Tallied, Traffic {
  /** CPU seconds of this process, to see whether it was the bottleneck. */
  loadSeconds: number;
}

export type LoadReport = { phase: 'open' | 'begin' | 'end' } | { result: LoadResult } | { failed: string };

const joinedAtOnce = 4;
const joinAttempts = 8;
const joinPauseMillis = 1000;
const billedBytes = 32 * 1024;

function noTraffic(): Traffic {
  return { sentFrames: 0, receivedFrames: 0, receivedUnits: 0, receivedBytes: 0 };
}

/** Counts frames while it is switched on. */
class TrafficMeter {
  counting = false;
  traffic = noTraffic();

  begin(): void {
    this.traffic = noTraffic();
    this.counting = true;
  }

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
  const listenerOf = (memberIndex: number): MemberListener => ({
    heard: (sender, position) => tally.heard(memberIndex, sender, position - firstPosition, performance.now()),
    received: (bytes) => meter.received(bytes),
    sent: () => meter.sent(),
  });
  const members = [await joinWithRetry(crowd, 0, listenerOf(0))];
  for (let next = 1; next < request.room.members; next += joinedAtOnce) {
    const memberIndexes = Array.from(
      { length: Math.min(joinedAtOnce, request.room.members - next) },
      (_, n) => next + n,
    );
    members.push(
      ...(await Promise.all(
        memberIndexes.map((memberIndex) => joinWithRetry(crowd, memberIndex, listenerOf(memberIndex))),
      )),
    );
  }
  return members;
}

/** On a busy machine a cold server refuses some clients at first. They retry, as real clients do. */
async function joinWithRetry(
  crowd: Crowd,
  memberIndex: number,
  listener: MemberListener,
  attempt = 1,
): Promise<Member> {
  try {
    return await crowd.join(memberIndex, listener);
  } catch (error) {
    if (attempt === joinAttempts) throw error;
    await pause(joinPauseMillis);
    return joinWithRetry(crowd, memberIndex, listener, attempt + 1);
  }
}

/** Starts the movements of the senders, each at its own moment of the period. @returns a function that stops them. */
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

/** Joins all members of a room. */
class Gathering {
  readonly #request: LoadRequest;
  readonly #tally: Tally;
  readonly #meter = new TrafficMeter();
  #members: Member[] = [];

  constructor(request: LoadRequest) {
    this.#request = request;
    this.#tally = new Tally(request.room.members);
  }

  async open(): Promise<void> {
    this.#members = await gather(this.#request, this.#tally, this.#meter);
    const stop = startMoving(this.#members, this.#request.room, this.#tally);
    await pause(this.#request.warmUpMillis);
    stop();
  }

  async measure(): Promise<LoadResult> {
    const stop = startMoving(this.#members, this.#request.room, this.#tally);
    await pause(this.#request.settleMillis);
    const before = process.cpuUsage();
    tell({ phase: 'begin' });
    this.#tally.begin();
    this.#meter.begin();
    await pause(this.#request.measuredMillis);
    stop();
    this.#tally.end();
    await pause(this.#request.drainMillis);
    this.#meter.counting = false;
    tell({ phase: 'end' });
    const { user, system } = process.cpuUsage(before);
    return { ...this.#tally.result(), ...this.#meter.traffic, loadSeconds: (user + system) / 1e6 };
  }
}

function tell(report: LoadReport): void {
  process.send!(report);
}

let gathering: Gathering | undefined;

async function obey(command: LoadCommand): Promise<void> {
  if (command === 'measure') {
    tell({ result: await gathering!.measure() });
  } else {
    gathering = new Gathering(command.open);
    await gathering.open();
    tell({ phase: 'open' });
  }
}

process.on('message', (command: LoadCommand) => {
  obey(command).catch((error: Error) => tell({ failed: error.message }));
});
