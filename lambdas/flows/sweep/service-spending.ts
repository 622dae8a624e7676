import type { ServerFrame } from '../../../protocol/frames.ts';
import { unitCosts } from '../../../protocol/unit-costs.ts';
import type { Spending } from '../../presence/outcome.ts';
import type { ServiceRate } from '../../presence/shard-leases.ts';
import type { Services } from '../../services/services.ts';
import { send } from '../presence/announce.ts';

/** The client keeps a pace for this time, unless it is told again. It is a little longer than a sweep needs to tell it again. */
const paceSeconds = 90;
/** The metrics get a value once in this time, in milliseconds. */
const metricMillis = 10_000;

/**
 * What one sweep metered, and the restraint that all sweeps agreed on (rules CO3, CO4). The sweep reads the meters of its sessions in
 * scripts that it runs anyway, and hands the sum to the others when it renews its place on the roster.
 */
export class ServiceSpending {
  readonly #services: Services;
  readonly #onNote: (sessionId: string, received: number, sent: number) => void;
  #unreported = 0;
  #restraint = 1;
  #dollarsPerHour = 0;
  #shownAt = 0;

  /** @param onNote is called with the billed messages of each session that was noted. */
  constructor(services: Services, onNote: (sessionId: string, received: number, sent: number) => void = () => {}) {
    this.#services = services;
    this.#onNote = onNote;
  }

  /** What the service spends in an hour at the present rate. */
  get dollarsPerHour(): number {
    return this.#dollarsPerHour;
  }

  /** By which factor posts are rarer now; 1 if the service keeps its bound. */
  get restraint(): number {
    return this.#restraint;
  }

  /** Notes what a session spent, and tells its clients the pace if it changed. */
  async note(sessionId: string, { received, sent, pace }: Spending): Promise<void> {
    this.#unreported += received * unitCosts.received + sent * unitCosts.posted;
    if (received + sent > 0) this.#onNote(sessionId, received, sent);
    if (!pace) return;
    const { receivers, cursorMillis } = pace;
    const frame: ServerFrame = { type: 'pace', sessionId, cursorMillis, seconds: paceSeconds };
    await send(this.#services, receivers, frame);
  }

  /** Takes what was metered since the last call, in millionths of a dollar. */
  take(): number {
    const amount = Math.round(this.#unreported);
    this.#unreported -= amount;
    return amount;
  }

  /** Learns what all sweeps together metered. */
  learn({ restraint, dollarsPerHour }: ServiceRate): void {
    const { clock, log, metrics } = this.#services;
    if (restraint > 1 !== this.#restraint > 1) {
      const message =
        restraint > 1 ? 'The bound of the bill is near; posts are made rarer' : 'Posts have their usual rate again';
      log.warn(message, { restraint, dollarsPerHour, maxDollarsPerHour: this.#services.timings.maxDollarsPerHour });
    }
    this.#restraint = restraint;
    this.#dollarsPerHour = dollarsPerHour;
    if (clock() < this.#shownAt + metricMillis) return;
    this.#shownAt = clock();
    metrics.note('dollarsPerHour', dollarsPerHour);
    metrics.note('restraint', restraint);
  }
}
