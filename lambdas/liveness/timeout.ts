import { setTimeout as wait } from 'node:timers/promises';
import { log } from '../platform/log.ts';
import { activityCache } from './activity-cache.ts';
import type { LivenessKind } from './liveness-repository.ts';
import {
  announce,
  eventOf,
  type LivenessEvent,
  type LivenessOptions,
  type LivenessSettings,
  livenessSettings,
} from './liveness-settings.ts';

export interface TimeoutOptions extends LivenessOptions {
  /** Time from the end of one check to the start of the next; a minute by default, or less if the timeout is short. */
  intervalMillis?: number;
}

export interface RunningTimeout {
  /** Resolves when the check that is running has ended. A second call does nothing more. */
  stop(): Promise<void>;
}

const minute = 60_000;
const kinds: LivenessKind[] = ['session', 'machine'];
const batchItems = 500;

/**
 * Starts to look periodically for sessions and machines without signs of life, in a process that keeps running (rule LC6).
 * Returns at once; the first check begins immediately. On AWS the timeout sweep calls {@link deactivateTimedOut} instead.
 *
 * @param options by default, the options of `activityCache`.
 */
export function startTimeout(options?: TimeoutOptions): RunningTimeout {
  const settings = options ? livenessSettings(options) : activityCache.settings;
  const interval = options?.intervalMillis ?? Math.min(minute, settings.livenessTimeoutMillis / 10);
  const stopping = new AbortController();
  const ended = checkPeriodically(settings, interval, stopping.signal);
  return {
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

/**
 * Runs one check: deactivates what has given no sign of life for `LIVENESS_TIMEOUT_SECONDS` (inclusive) and emits each
 * change once, even if several checks run at the same time.
 *
 * @param now Unix milliseconds.
 * @returns what became inactive by this check.
 */
export async function deactivateTimedOut(now: number, options?: LivenessOptions): Promise<LivenessEvent[]> {
  return check(now, options ? livenessSettings(options) : activityCache.settings);
}

async function checkPeriodically(settings: LivenessSettings, interval: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await check(settings.clock(), settings);
    } catch (error) {
      log.error('The liveness check failed; the next one tries again', { error: error as Error });
    }
    await pause(interval, signal);
  }
}

async function check(now: number, settings: LivenessSettings): Promise<LivenessEvent[]> {
  const events: LivenessEvent[] = [];
  for (const kind of kinds) {
    for (let full = true; full; ) {
      const silentSince = now - settings.livenessTimeoutMillis;
      const changes = await settings.repository.deactivate(kind, silentSince, batchItems, now);
      full = changes.length === batchItems;
      for (const event of changes.map(eventOf)) {
        events.push(event);
        await announce(event, settings);
      }
    }
  }
  return events;
}

async function pause(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(millis, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
