import type { Pool } from 'pg';
import { settingDefaults } from '../../protocol/timings.ts';
import { log } from '../platform/log.ts';
import { type LivenessChange, LivenessRepository } from './liveness-repository.ts';

/** What the owner of a session or machine is told when it becomes active or inactive. Times are Unix milliseconds. */
export type LivenessEvent = { active: boolean; activeAt: number; ownerId: string } & (
  | { type: 'session_activity'; sessionId: string }
  | { type: 'machine_activity'; machineId: string }
);

/**
 * What the cache counts: answers about validity from memory (`hits`) and from the database (`misses`), and signs of life that will be
 * written (`beats`), that were too close to the one before (`skipped`), or that came shortly after a stop (`stopped`).
 */
export type LivenessCounter = 'hits' | 'misses' | 'beats' | 'skipped' | 'stopped';

/** Settings of the liveness cache and the timeout check. Those that are left out have the product's defaults. */
export interface LivenessOptions {
  /** A `pg` pool, or an object with its `query`. Without a pool every read and write fails. */
  pool?: Pick<Pool, 'query'>;
  /** Unix milliseconds. */
  clock?: () => number;
  /** Called once per change. An error in it is logged and has no other effect. */
  emit?: (event: LivenessEvent) => void | Promise<void>;
  /** Called for each step of a counter. */
  count?: (counter: LivenessCounter) => void;
  /** Time without a sign of life after which a session or machine becomes inactive (`LIVENESS_TIMEOUT_SECONDS`). */
  livenessTimeoutMillis?: number;
}

export interface LivenessSettings {
  repository: LivenessRepository;
  clock: () => number;
  emit: (event: LivenessEvent) => void | Promise<void>;
  count: (counter: LivenessCounter) => void;
  livenessTimeoutMillis: number;
  /** How long a positive answer about validity is cached. */
  validMillis: number;
  /** A time is written only if it is newer than the stored one by more than this. */
  thresholdMillis: number;
  /** How long signs of life are collected before a write. */
  batchMillis: number;
  /** How long signs of life are ignored after a stop. */
  stopMillis: number;
}

const second = 1000;

const unconfigured = {
  query: async () => {
    throw new Error('Liveness has no database yet: call activityCache.configure({ pool }) first.');
  },
} as unknown as Pick<Pool, 'query'>;

/**
 * The times of the LC rules. If the timeout is so short that one write per 30 s would be too rare, the threshold and the
 * batch time become shorter, because a session or machine that keeps sending must never time out.
 */
export function livenessSettings(options: LivenessOptions = {}): LivenessSettings {
  const livenessTimeoutMillis = options.livenessTimeoutMillis ?? settingDefaults.LIVENESS_TIMEOUT_SECONDS * second;
  return {
    repository: new LivenessRepository(options.pool ?? unconfigured),
    clock: options.clock ?? Date.now,
    emit: options.emit ?? (() => {}),
    count: options.count ?? (() => {}),
    livenessTimeoutMillis,
    validMillis: 30 * second,
    thresholdMillis: Math.min(30 * second, livenessTimeoutMillis / 4),
    batchMillis: Math.min(5 * second, livenessTimeoutMillis / 4),
    stopMillis: 60 * second,
  };
}

export function eventOf(change: LivenessChange): LivenessEvent {
  const { kind, id, ownerId, active, activeAt } = change;
  const state = { active, activeAt, ownerId };
  return kind === 'session'
    ? { type: 'session_activity', sessionId: id, ...state }
    : { type: 'machine_activity', machineId: id, ...state };
}

/** Calls the listener. An error in it is logged and has no other effect. */
export async function announce(event: LivenessEvent, settings: LivenessSettings): Promise<void> {
  try {
    await settings.emit(event);
  } catch (error) {
    log.error('A change of liveness could not be announced', { event, error: error as Error });
  }
}
