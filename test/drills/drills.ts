import { scaleSettings } from '../support/time-limits.ts';
import { Crowd } from './crowd.ts';
import { emptiedCache } from './emptied-cache.ts';
import type { Outcome } from './outcome.ts';
import { restore } from './restore.ts';
import { rotation } from './rotation.ts';
import { openVenue, type Venue } from './venue.ts';
import { zone } from './zone.ts';

/** A failure on purpose, its repair, and what both did. @throws Error if the service does not recover. */
export type Drill = (venue: Venue, crowd: Crowd, say: (line: string) => void) => Promise<Outcome>;

export const drills = { restore, rotation, zone, 'emptied-cache': emptiedCache } satisfies Record<string, Drill>;
export type DrillName = keyof typeof drills;

/** Shorter than those of the product, so that a drill would see a wrong leave. */
const settings = { HEARTBEAT_TIMEOUT_SECONDS: '10', PRESENCE_UPDATE_SECONDS: '2' };

/** Runs a drill on a stack of its own. @param say receives a line for each step, with the seconds since the start. */
export async function runDrill(name: DrillName, say: (line: string) => void): Promise<Outcome> {
  const venue = await openVenue(scaleSettings(settings));
  try {
    const crowd = await Crowd.gather(venue.stack);
    const began = Date.now();
    const tell = (line: string) => say(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);
    tell(`${crowd.users} users act in ${crowd.rooms.length} sessions`);
    try {
      return await drills[name](venue, crowd, tell);
    } finally {
      crowd.leave();
    }
  } finally {
    await venue.close();
  }
}

/** The sentences of an outcome. */
export function sentencesOf(outcome: Outcome): string[] {
  const { confirmed, lost, lossWindow, recovery, wrongLeaves, sessions, brokenChains, repeated } = outcome;
  const answers = Object.entries(repeated).map(([answer, count]) => `${answer} ${count}`);
  return [
    `confirmed activities: ${confirmed}, lost: ${lost}${lost > 0 ? `, of the last ${lossWindow} ms before the failure` : ''}`,
    ...Object.entries(recovery).map(([what, millis]) => `${what}: after ${millis} ms`),
    `people wrongly told or recorded to have left: ${wrongLeaves}`,
    `audit chains verified: ${sessions}, broken: ${brokenChains}`,
    `requests that were repeated: ${answers.join(', ') || 'none'}`,
  ];
}
