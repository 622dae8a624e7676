import type { ActivityItem } from '../../client/index.ts';
import type { DemoSession } from '../room/types.ts';
import { cards, type Place } from './plan.ts';

/**
 * A place with its version. The higher version counts; if two are equal, the one of the user whose id is later in the
 * alphabet.
 */
interface Placement extends Place {
  version: number;
  by: string;
}

export const movedType = 'card_moved';

/** The content of an entry: which card was moved, and the whole plan as its author knew it. */
interface Moved {
  card: string;
  plan: Record<string, Placement>;
}

/** The places of the cards. */
export interface Placements {
  of(card: string): Place;
  /** Moves a card for all users. @throws RollcallError if this user may not. */
  move(card: string, place: Place): Promise<unknown>;
  stop(): void;
}

/**
 * The shared state of the board. Rollcall shows presence and stores no documents. So the moves are entries of the audit
 * trail: the service stores them and sends them to everybody, and a user who joins reads the latest ones. Each entry contains
 * the whole plan with a version for each card. So entries may arrive in any order, and a missed entry does no harm, because
 * the next one contains it. An application with more than a few cards would use its own store.
 *
 * @param changed called after each change.
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

  /** Entries may have been missed while the connection was lost. */
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
