import { figuresSeconds } from '../../../protocol/figures.ts';
import type { Found } from '../../figures/figure-rows.ts';
import type { Services } from '../../services/services.ts';
import { SweepRepository } from '../../sessions/sweep-repository.ts';
import { redisConnections } from './measure-service.ts';

/** What the leading sweep knows itself. */
export interface LeaderView {
  sweeps: number;
  dollarsPerHour: number;
  restraint: number;
}

const slotMillis = figuresSeconds * 1000;
/** What costs more is found once in this time. */
const minuteMillis = 60_000;
/** Joins and leaves are looked for in this time at most, after nobody was present and no sweep looked. */
const longestMillis = 10 * minuteMillis;

/** What the stores say at the end of a slot. What is found once a minute is null in the other slots. */
export async function findFigures(services: Services, slot: number, now: number, view: LeaderView): Promise<Found> {
  const { figures } = services;
  const last = await figures.lastFound(slot);
  const isMinute = last === undefined || Math.floor(last / minuteMillis) < Math.floor(slot / minuteMillis);
  // The join that started the sweep may be older than its first slot.
  const from = Math.max(slot - longestMillis, last === undefined ? 0 : last + slotMillis);
  const [present, movements, connections, backlog, sessions, cleanup] = await Promise.all([
    figures.present(now),
    figures.movements(from, slot + slotMillis),
    redisConnections(services),
    isMinute ? services.sweepActivity.outboxBacklog() : undefined,
    isMinute ? figures.sessionsByStatus() : null,
    isMinute ? new SweepRepository(services.sweepDatabase, services.timings).statistics(now) : null,
    isMinute ? figures.forgetOld(now) : null,
  ]);
  const redis = { redisConnections: connections ?? null };
  return { ...view, ...present, ...movements, ...redis, outboxDepth: backlog?.depth ?? null, sessions, cleanup };
}
