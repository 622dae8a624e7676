import type { Room } from './room.ts';

/** What a member of a room hears. */
export interface Ears {
  /** The update of a sender (its place in the room) with its position. */
  heard(sender: number, position: number): void;
  /** Something came, of so many payload bytes, whatever it said. */
  received(bytes: number): void;
  /** A frame was sent, of so many payload bytes. */
  sent(bytes: number): void;
}

/** One member of a room. */
export interface Member {
  move(position: number): void;
  close(): void;
}

/** How the members of a room speak with a kind of server. */
export interface Crowd {
  join(place: number, ears: Ears): Promise<Member>;
}

export interface CrowdOptions {
  url: string;
  room: Room;
  /** The form of cursor frames to ask for, where the server has several. */
  format: 'json' | 'compact';
}

export type OpenCrowd = (options: CrowdOptions) => Promise<Crowd>;
