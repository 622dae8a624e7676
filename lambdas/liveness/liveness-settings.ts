import type { Pool } from 'pg';
import { settingDefaults } from '../../protocol/timings.ts';
import { log } from '../platform/log.ts';
import { type LivenessChange, LivenessRepository } from './liveness-repository.ts';

/** What the owner of a session or machine is told when it becomes active or inactive. Times are Unix milliseconds. */
export type LivenessEvent = { active: boolean; activeAt: number; ownerId: string } & (
  | { type: 'session_activity'; sessionId: string }
  | { type: 'machine_activity'; machineId: string }
);

/** What the liveness cache and the timeout check work with; what is left out has the product's own value. */
export interface LivenessOptions {
  /** A `pg` pool, or anything with its `query`; without one every look and write fails. */
  pool?: Pick<Pool, 'query'>;
  /** Unix milliseconds. */
  clock?: () => number;
  /** Called once per change. A failure of it is logged and stops nothing. */
  emit?: (event: LivenessEvent) => void | Promise<void>;
  /** After which silence something becomes inactive (`LIVENESS_TIMEOUT_SECONDS`). */
  livenessTimeoutMillis?: number;
}

export interface LivenessSettings {
  repository: LivenessRepository;
  clock: () => number;
  emit: (event: LivenessEvent) => void | Promise<void>;
  livenessTimeoutMillis: number;
  /** How long an answer about validity is kept. */
  validMillis: number;
  /** A time is written only where it is newer than the last one by more than this. */
  thresholdMillis: number;
  /** How long updates are gathered. */
  batchMillis: number;
  /** How long after a stop no beat counts. */
  stopMillis: number;
}

const second = 1000;

const unconfigured = {
  query: async () => {
    throw new Error('Liveness has no database yet: call activityCache.configure({ pool }) first.');
  },
} as unknown as Pick<Pool, 'query'>;

/**
 * The figures of rule LC. Where the timeout was made so short that a write each 30 s would come too late, the threshold
 * and the batch shrink with it: whatever keeps sending must never time out.
 */
export function livenessSettings(options: LivenessOptions = {}): LivenessSettings {
  const livenessTimeoutMillis = options.livenessTimeoutMillis ?? settingDefaults.LIVENESS_TIMEOUT_SECONDS * second;
  return {
    repository: new LivenessRepository(options.pool ?? unconfigured),
    clock: options.clock ?? Date.now,
    emit: options.emit ?? (() => {}),
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

/** Tells the listener; its failure is logged and stops nothing. */
export async function announce(event: LivenessEvent, settings: LivenessSettings): Promise<void> {
  try {
    await settings.emit(event);
  } catch (error) {
    log.error('A change of liveness could not be announced', { event, error: error as Error });
  }
}
