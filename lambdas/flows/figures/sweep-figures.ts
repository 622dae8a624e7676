import { figuresSeconds } from '../../../protocol/figures.ts';
import { unitCosts } from '../../../protocol/unit-costs.ts';
import type { Counters } from '../../figures/figure-rows.ts';
import type { SessionFigures } from '../../figures/figure-store.ts';
import { attempt } from '../../platform/attempt.ts';
import type { Services } from '../../services/services.ts';
import type { Visit } from '../presence/visit-sessions.ts';
import { findFigures, type LeaderView } from './find-figures.ts';
import { publishFigures } from './publish-figures.ts';

const slotMillis = figuresSeconds * 1000;
/**
 * The sweeps write their counts a moment after the end of a slot, and a join or leave of the slot may reach the audit trail as late.
 * Then the leading sweep looks into the stores and publishes the figures.
 */
const publishAfterMillis = 2000;

/**
 * What one sweep counts for the dashboard. It visits every session anyway, so no session is read for it. Each ten seconds it writes its
 * counts with one statement, and the sessions that it visited with another. The leading sweep also writes what it finds in the
 * stores, and publishes the figures of all sweeps.
 */
export class SweepFigures {
  readonly #services: Services;
  readonly #sessions = new Map<string, SessionFigures>();
  #counters = noCounters();
  #slot: number;
  #publishing: { slot: number; view: LeaderView } | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(services: Services) {
    this.#services = services;
    this.#slot = slotOf(services.clock());
  }

  visited(sessionId: string, { present, redisMillis, timeouts }: Visit): void {
    Object.assign(this.#of(sessionId), present);
    this.#counters.visits += 1;
    this.#counters.redisMillis += redisMillis;
    this.#counters.timeouts += timeouts;
  }

  late(millis: number): void {
    this.#counters.sweepLag = Math.max(this.#counters.sweepLag, millis);
  }

  failed(): void {
    this.#counters.failedVisits += 1;
  }

  metered(sessionId: string, received: number, posted: number): void {
    const session = this.#of(sessionId);
    session.dollars += (received * unitCosts.received + posted * unitCosts.posted) / 1e6;
    this.#counters.received += received;
    this.#counters.posted += posted;
    this.#counters.fanOut += received * Math.max(0, (session.people ?? 1) - 1);
  }

  /** Writes what was counted if a slot has ended, in the background. @param view is given to the leading sweep only. */
  tick(now: number, view: LeaderView | undefined): void {
    const slot = slotOf(now);
    if (slot > this.#slot) {
      const ended = this.#slot;
      this.#slot = slot;
      this.#enqueue(() => this.#write(ended, now));
      if (view) this.#publishing = { slot: ended, view };
    }
    if (this.#publishing && now >= this.#publishing.slot + slotMillis + publishAfterMillis) this.#publish(now);
  }

  /** Writes the rest, when the sweep ends. */
  async end(): Promise<void> {
    const now = this.#services.clock();
    this.#enqueue(() => this.#write(this.#slot, now));
    this.#publish(now);
    await this.#work;
  }

  #publish(now: number): void {
    if (!this.#publishing) return;
    const { slot, view } = this.#publishing;
    this.#publishing = undefined;
    const services = this.#services;
    this.#enqueue(async () => services.figures.writeFound(slot, await findFigures(services, slot, now, view)));
    this.#enqueue(() => publishFigures(services, slot));
  }

  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(() =>
      attempt(this.#services.log, 'The figures of the dashboard could not be written', step),
    );
  }

  async #write(slot: number, now: number): Promise<void> {
    const sessions = [...this.#sessions.values()];
    const counters = this.#counters;
    this.#sessions.clear();
    this.#counters = noCounters();
    const { figures } = this.#services;
    await figures.writeSessions(sessions, now);
    if (counters.visits + counters.failedVisits + counters.received > 0) await figures.addCounters(slot, counters);
  }

  #of(sessionId: string): SessionFigures {
    let session = this.#sessions.get(sessionId);
    if (!session) {
      session = { sessionId, people: undefined, online: undefined, dollars: 0 };
      this.#sessions.set(sessionId, session);
    }
    return session;
  }
}

export function slotOf(time: number): number {
  return Math.floor(time / slotMillis) * slotMillis;
}

function noCounters(): Counters {
  return { visits: 0, failedVisits: 0, redisMillis: 0, timeouts: 0, received: 0, posted: 0, fanOut: 0, sweepLag: 0 };
}
