import type { ActivityItem } from '../../client/index.ts';
import type { DemoSession } from '../room/types.ts';
import { cards, type Place } from './plan.ts';

/** A place with its version: of two, the one with the higher number counts, or the later user id in the alphabet. */
interface Placement extends Place {
  version: number;
  by: string;
}

export const movedType = 'card_moved';

/** What an entry says: which card was moved, and the whole plan as its author knew it. */
interface Moved {
  card: string;
  plan: Record<string, Placement>;
}

/** Where the cards lie. */
export interface Placements {
  of(card: string): Place;
  /** Moves a card for everybody. @throws RollcallError if this person may not. */
  move(card: string, place: Place): Promise<unknown>;
  stop(): void;
}

/**
 * The shared state of the board. Rollcall shows presence; it is no store of documents. So the moves are entries of the
 * audit trail: the service tells them to everybody and keeps them, and a newcomer reads the latest ones. Each entry has
 * the whole plan with a version for each card, so the order in which entries arrive does not matter, and an entry that
 * was missed is made good by the next one. An application with more than a few cards would use a store of its own.
 *
 * @param changed is called after each change.
 */
export function createPlacements(session: DemoSession, changed: () => void): Placements {
  const placements = new Map<string, Placement>();
  for (const { id, place } of cards) placements.set(id, { ...place, version: 0, by: '' });

  function merge({ activityType, details }: ActivityItem): void {
    if (activityType !== movedType) return;
    const { plan } = details as unknown as Moved;
    for (const [id, placement] of Object.entries(plan)) {
      const known = placements.get(id);
      if (known && isLater(placement, known)) placements.set(id, placement);
    }
  }

  /** After a loss of the connection entries may have been missed. */
  async function read(): Promise<void> {
    const { items } = await session.queryActivity({ activityType: movedType, limit: 20 });
    items.forEach(merge);
    changed();
  }
  const tryToRead = () => {
    read().catch((error: Error) => console.info('The plan cannot be read now.', error.message));
  };

  const stops = [
    session.on('activity', (item) => {
      merge(item);
      changed();
    }),
    session.on('state', (state) => state === 'joined' && tryToRead()),
  ];
  tryToRead();

  return {
    of: (card) => placements.get(card)!,
    move(card, { lane, start }) {
      const before = placements.get(card)!;
      const version = Math.max(...[...placements.values()].map((each) => each.version)) + 1;
      placements.set(card, { lane, start, version, by: session.self!.userId });
      changed();
      const moved: Moved = { card, plan: Object.fromEntries(placements) };
      return session.logActivity(movedType, moved).catch((error) => {
        placements.set(card, before);
        changed();
        throw error;
      });
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function isLater(one: Placement, other: Placement): boolean {
  return one.version > other.version || (one.version === other.version && one.by > other.by);
}
