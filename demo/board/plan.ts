/** The content of the plan: the day of an open house, in half hours from nine to five. */
export const lanes = ['Main stage', 'Workshop', 'Garden'] as const;
export const firstHour = 9;
export const hours = 8;
/** The number of half hours of the day. A card begins at one of them. */
export const slots = hours * 2;

export type Topic = 'talk' | 'craft' | 'music' | 'food';

export interface Card {
  id: string;
  title: string;
  host: string;
  topic: Topic;
  /** In half hours. */
  length: number;
}

/** The place of a card: a lane and its first half hour. Lane -1 means that it is not planned yet. */
export interface Place {
  lane: number;
  start: number;
}

export const unplanned: Place = { lane: -1, start: 0 };

export const cards: readonly (Card & { place: Place })[] = [
  { id: 'opening', title: 'Opening', host: 'Mayor Lind', topic: 'talk', length: 2, place: { lane: 0, start: 1 } },
  { id: 'bees', title: 'A city for bees', host: 'Noor Haddad', topic: 'talk', length: 3, place: { lane: 0, start: 4 } },
  {
    id: 'choir',
    title: 'Choir of the quarter',
    host: '40 voices',
    topic: 'music',
    length: 2,
    place: { lane: 0, start: 10 },
  },
  {
    id: 'books',
    title: 'Bind your own book',
    host: 'Ines Moreau',
    topic: 'craft',
    length: 4,
    place: { lane: 1, start: 2 },
  },
  {
    id: 'bikes',
    title: 'Mend a bicycle',
    host: 'Tomasz Wolny',
    topic: 'craft',
    length: 3,
    place: { lane: 1, start: 8 },
  },
  { id: 'lunch', title: 'Long table', host: 'Everybody', topic: 'food', length: 3, place: { lane: 2, start: 6 } },
  { id: 'seeds', title: 'Seed swap', host: 'Garden club', topic: 'craft', length: 3, place: { lane: 2, start: 1 } },
  { id: 'brass', title: 'Brass band', host: 'Blechlust', topic: 'music', length: 2, place: unplanned },
  { id: 'stars', title: 'Stars by day', host: 'Dr. Okafor', topic: 'talk', length: 2, place: unplanned },
  { id: 'print', title: 'Print a poster', host: 'Studio Kolb', topic: 'craft', length: 3, place: unplanned },
  { id: 'cake', title: 'Cake contest', host: 'You?', topic: 'food', length: 2, place: unplanned },
];

/** The time at which a half hour begins, such as `9:30`. */
export function clockAt(slot: number): string {
  return `${firstHour + Math.floor(slot / 2)}:${slot % 2 ? '30' : '00'}`;
}

/** The name of the lane of a place. */
export const laneName = ({ lane }: Place) => lanes[lane] ?? 'Ideas';

/** A place as text, such as `Garden, 11:00`. */
export function placeName({ lane, start }: Place): string {
  return lanes[lane] === undefined ? 'the ideas' : `${lanes[lane]}, ${clockAt(start)}`;
}

/** The nearest place at which a card of this length ends within the day. */
export function fitting({ lane, start }: Place, length: number): Place {
  if (lanes[lane] === undefined) return unplanned;
  return { lane, start: Math.min(Math.max(start, 0), slots - length) };
}

/** Divides the width of a lane among overlapping cards: the part of each card, and the number of parts. */
export function sharesOf(placed: readonly { id: string; length: number; place: Place }[]) {
  const shares = new Map<string, { part: number; parts: number }>();
  const inOrder = placed.filter(({ place }) => place.lane >= 0).toSorted((a, b) => a.place.start - b.place.start);
  for (const [lane] of lanes.entries()) {
    let group: { id: string; part: number }[] = [];
    let ends: number[] = [];
    const close = () => {
      for (const { id, part } of group) shares.set(id, { part, parts: ends.length });
      group = [];
      ends = [];
    };
    for (const { id, length, place } of inOrder.filter((each) => each.place.lane === lane)) {
      if (ends.every((end) => end <= place.start)) close();
      const free = ends.findIndex((end) => end <= place.start);
      const part = free < 0 ? ends.length : free;
      ends[part] = place.start + length;
      group.push({ id, part });
    }
    close();
  }
  return shares;
}
