import type { Room } from './room.ts';

/** Receives the events of one member of a room. */
export interface MemberListener {
  /** An update of a sender (by its index in the room) arrived, with its position. */
  heard(sender: number, position: number): void;
  /** A frame with this many payload bytes arrived. */
  received(bytes: number): void;
  /** A frame with this many payload bytes was sent. */
  sent(bytes: number): void;
}

/** One member of a room. */
export interface Member {
  move(position: number): void;
  close(): void;
}

/** The client side of one kind of server. */
export interface Crowd {
  join(memberIndex: number, listener: MemberListener): Promise<Member>;
}

export interface CrowdOptions {
  url: string;
  room: Room;
  /** The form of cursor frames to request, if the server has several. */
  format: 'json' | 'compact';
}

export type OpenCrowd = (options: CrowdOptions) => Promise<Crowd>;
