import { randomUUID } from 'node:crypto';

/** A session with people in it, as the generator makes it. */
export interface GeneratedRoom {
  sessionId: string;
  people: { userId: string; connectionId: string }[];
}

/** Rooms of so many people each; a connection's id tells its room and its place there. */
export function makeRooms(rooms: number, people: number): GeneratedRoom[] {
  return Array.from({ length: rooms }, () => {
    const sessionId = randomUUID();
    const seats = Array.from({ length: people }, (_, place) => ({
      ...{ userId: randomUUID(), connectionId: `${sessionId}_${place}` },
    }));
    return { sessionId, people: seats };
  });
}
