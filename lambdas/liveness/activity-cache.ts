import { setAsideMessage } from '../platform/environment.ts';
import { log } from '../platform/log.ts';
import { applyApart } from '../platform/row-fault.ts';
import type { Beat, LivenessKind, LivenessState } from './liveness-repository.ts';
import {
  announce,
  eventOf,
  type LivenessCounter,
  type LivenessOptions,
  type LivenessSettings,
  livenessSettings,
} from './liveness-settings.ts';

/** The cached state of one session or machine. */
interface Known {
  kind: LivenessKind;
  id: string;
  active: boolean;
  /** Time of the last sign of life in the database, Unix milliseconds. */
  recordedAt: number;
  /** Time of a newer sign of life that waits for the next batch, Unix milliseconds. */
  pendingAt: number | undefined;
  usedAt: number;
}

/** Counters of the cache; they only grow. */
export type ActivityCacheMetrics = Record<LivenessCounter, number>;

/** The cache forgets a session or machine that was not used for this time. */
const forgetMillis = 10 * 60 * 1000;

/**
 * Answers whether a user may send signs of life for a session or machine, and combines signs of life into few writes (rules
 * LC1-LC5).
 *
 * Correctness does not depend on the cache. Each execution environment has its own, and it may be lost at any time. The SQL
 * statements make sure that times never go back and that an ended session stays ended.
 */
export class ActivityCache {
  readonly metrics: ActivityCacheMetrics = { hits: 0, misses: 0, skipped: 0, stopped: 0, beats: 0 };
  /** Until when a user is known to be valid, by kind, id and user. */
  readonly #validUntil = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<boolean>>();
  readonly #known = new Map<string, Known>();
  readonly #stoppedUntil = new Map<string, number>();
  #settings: LivenessSettings;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #shutDown = false;

  constructor(options: LivenessOptions = {}) {
    this.#settings = livenessSettings(options);
  }

  /** Sets the database, clock and listener. It also ends the effect of {@link shutdown}. */
  configure(options: LivenessOptions): void {
    this.#settings = livenessSettings(options);
    this.#shutDown = false;
  }

  get settings(): LivenessSettings {
    return this.#settings;
  }

  /** Whether the session is active and the user is its owner or a participant. False also while the database is away. */
  isSessionValid(sessionId: string, userId: string): Promise<boolean> {
    return this.#isValid('session', sessionId, userId);
  }

  /** Whether the machine belongs to the user. False also while the database is away. */
  isMachineValid(machineId: string, userId: string): Promise<boolean> {
    return this.#isValid('machine', machineId, userId);
  }

  /**
   * Takes a sign of life of a session that this cache has validated before.
   *
   * @param timestamp Unix milliseconds.
   * @returns true if it will be written: it is more than 30 s newer than the stored one, or the session is inactive.
   */
  queueSessionUpdate(sessionId: string, timestamp: number): boolean {
    return this.#queue('session', sessionId, timestamp);
  }

  /** The same as {@link queueSessionUpdate}, for a machine. */
  queueMachineUpdate(machineId: string, timestamp: number): boolean {
    return this.#queue('machine', machineId, timestamp);
  }

  /** For a minute, signs of life of this session are ignored, so that a late one does not revive it (rule LC4). */
  stopSession(sessionId: string): void {
    this.#stop('session', sessionId);
  }

  stopMachine(machineId: string): void {
    this.#stop('machine', machineId);
  }

  /** Ends the effect of {@link stopSession}, after the session was started again on purpose. */
  resumeSession(sessionId: string): void {
    this.#stoppedUntil.delete(keyOf('session', sessionId));
  }

  resumeMachine(machineId: string): void {
    this.#stoppedUntil.delete(keyOf('machine', machineId));
  }

  /** Writes the pending signs of life. If a batch fails, the error is logged and the next batch contains its entries. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeBatch());
    return this.#writing;
  }

  /** Stops the timer and writes the pending signs of life. A second call does nothing more. */
  shutdown(): Promise<void> {
    this.#shutDown = true;
    return this.flush();
  }

  #count(counter: LivenessCounter): void {
    this.metrics[counter] += 1;
    this.#settings.count(counter);
  }

  async #isValid(kind: LivenessKind, id: string, userId: string): Promise<boolean> {
    const key = `${keyOf(kind, id)}/${userId}`;
    if ((this.#validUntil.get(key) ?? 0) > this.#settings.clock()) {
      this.#count('hits');
      return true;
    }
    this.#count('misses');
    const underWay = this.#lookups.get(key);
    if (underWay) return underWay;
    const lookup = this.#lookUp(kind, id, userId, key).finally(() => this.#lookups.delete(key));
    this.#lookups.set(key, lookup);
    return lookup;
  }

  async #lookUp(kind: LivenessKind, id: string, userId: string, key: string): Promise<boolean> {
    this.#validUntil.delete(key);
    try {
      const state = await this.#settings.repository.stateFor(kind, id, userId);
      if (!state) return false;
      this.#validUntil.set(key, this.#settings.clock() + this.#settings.validMillis);
      this.#remember(kind, id, state);
      return true;
    } catch (error) {
      log.error('Liveness could not be looked up', { kind, id, error: error as Error });
      return false;
    }
  }

  #remember(kind: LivenessKind, id: string, state: LivenessState): void {
    const before = this.#known.get(keyOf(kind, id));
    this.#known.set(keyOf(kind, id), {
      ...{ kind, id, active: state.active },
      recordedAt: Math.max(state.activeAt, before?.recordedAt ?? 0),
      pendingAt: before?.pendingAt,
      usedAt: this.#settings.clock(),
    });
  }

  #queue(kind: LivenessKind, id: string, timestamp: number): boolean {
    const now = this.#settings.clock();
    const known = this.#known.get(keyOf(kind, id));
    if (!known || !Number.isFinite(timestamp)) return false;
    known.usedAt = now;
    if ((this.#stoppedUntil.get(keyOf(kind, id)) ?? 0) > now) {
      this.#count('stopped');
      return false;
    }
    if (!this.#isWorthWriting(known, timestamp)) {
      this.#count('skipped');
      return false;
    }
    this.#count('beats');
    known.pendingAt = timestamp;
    this.#armTimer();
    return true;
  }

  #isWorthWriting(known: Known, timestamp: number): boolean {
    if (timestamp <= Math.max(known.recordedAt, known.pendingAt ?? 0)) return false;
    return !known.active || timestamp - known.recordedAt > this.#settings.thresholdMillis;
  }

  #stop(kind: LivenessKind, id: string): void {
    const key = keyOf(kind, id);
    this.#stoppedUntil.set(key, this.#settings.clock() + this.#settings.stopMillis);
    const known = this.#known.get(key);
    if (known) known.pendingAt = undefined;
    for (const validity of this.#validUntil.keys()) {
      if (validity.startsWith(`${key}/`)) this.#validUntil.delete(validity);
    }
  }

  #armTimer(): void {
    if (this.#shutDown) return;
    this.#timer ??= setTimeout(() => void this.flush(), this.#settings.batchMillis).unref();
  }

  async #writeBatch(): Promise<void> {
    this.#forget();
    const pending = [...this.#known.values()].filter((known) => known.pendingAt !== undefined);
    if (pending.length === 0) return;
    const beats = pending.map(({ kind, id, pendingAt }): Beat => ({ kind, id, at: pendingAt! }));
    try {
      const refused = new Set<Beat>();
      const changes = await applyApart(
        beats,
        (some) => this.#settings.repository.record(some),
        async (beat, error) => {
          log.error(setAsideMessage, { step: 'beat', kind: beat.kind, id: beat.id, error: error as Error });
          refused.add(beat);
        },
      );
      for (const beat of beats) this.#settled(beat, !refused.has(beat));
      for (const change of changes) await announce(eventOf(change), this.#settings);
    } catch (error) {
      log.error('Signs of life could not be written; the next batch tries again', {
        beats: beats.length,
        error: error as Error,
      });
      this.#armTimer();
    }
  }

  /**
   * Updates the state after a write. A newer sign of life that came during the write stays pending. One that the database
   * refused is not tried again; the next one is written after the usual threshold.
   */
  #settled(beat: Beat, isWritten: boolean): void {
    const known = this.#known.get(keyOf(beat.kind, beat.id));
    if (!known) return;
    if (isWritten) known.active = true;
    known.recordedAt = Math.max(known.recordedAt, beat.at);
    if (known.pendingAt !== undefined && known.pendingAt <= beat.at) known.pendingAt = undefined;
    else if (known.pendingAt !== undefined) this.#armTimer();
  }

  #forget(): void {
    const now = this.#settings.clock();
    for (const map of [this.#validUntil, this.#stoppedUntil]) {
      for (const [key, until] of map) if (until <= now) map.delete(key);
    }
    for (const [key, known] of this.#known) {
      if (known.pendingAt === undefined && now - known.usedAt > forgetMillis) this.#known.delete(key);
    }
  }
}

function keyOf(kind: LivenessKind, id: string): string {
  return `${kind}/${id}`;
}

/** The cache of this process. */
export const activityCache = new ActivityCache();
