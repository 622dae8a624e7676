/** One case of the benchmark: the number of users in a room and how many of them move. */
export interface Room {
  members: number;
  senders: number;
  /** Cursor updates per second of each sender. */
  hertz: number;
}

/** The name of a room in tables and on the command line. */
export function nameOf({ members, senders, hertz }: Room): string {
  return `${senders}-in-${members}${hertz === 10 ? '' : `@${hertz}Hz`}`;
}

/** The rooms in which all servers are measured. */
export const rooms: readonly Room[] = [
  { members: 2, senders: 2, hertz: 10 },
  { members: 10, senders: 1, hertz: 10 },
  { members: 10, senders: 10, hertz: 1 },
  { members: 10, senders: 10, hertz: 10 },
  { members: 50, senders: 10, hertz: 10 },
  { members: 50, senders: 50, hertz: 10 },
  { members: 200, senders: 10, hertz: 10 },
  { members: 200, senders: 50, hertz: 10 },
];

/** The content of one cursor update. The position is the number of the update; each sender increments it. */
export interface Move {
  eventId: string;
  position: number;
  x: number;
  y: number;
}

/** Positions have six digits, so that every update has the same size. */
export const firstPosition = 100_000;

export function moveTo(position: number): Move {
  return { eventId: 'e01', position, x: 1000 + ((position * 7) % 9000), y: 1000 + ((position * 11) % 9000) };
}

/** An update as a plain frame. It has 128 bytes if the user id is a UUID. */
export function plainFrame(userId: string, position: number): string {
  return JSON.stringify({ type: 'cursor', userId, cursor: moveTo(position) });
}
