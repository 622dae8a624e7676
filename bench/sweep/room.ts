import { randomUUID } from 'node:crypto';

/** A session with users, as the generator creates it. */
export interface GeneratedRoom {
  sessionId: string;
  people: { userId: string; connectionId: string }[];
}

/** Creates rooms with this many users each. A connection id contains its room and its number. */
export function makeRooms(rooms: number, people: number): GeneratedRoom[] {
  return Array.from({ length: rooms }, () => {
    const sessionId = randomUUID();
    const seats = Array.from({ length: people }, (_, place) => ({
      ...{ userId: randomUUID(), connectionId: `${sessionId}_${place}` },
    }));
    return { sessionId, people: seats };
  });
}
