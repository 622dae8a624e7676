import type { Listener } from './attendee.ts';

/** What one member of a crowd heard. */
export interface Heard extends Listener {
  attempts: number;
  /** Handshakes that were refused, in words. */
  refusals: string[];
  /** Frames by type, and all their bytes. */
  frames: Map<string, number>;
  bytes: number;
  largestFrame: number;
  joins: number;
  leaves: number;
  errors: string[];
  oddities: string[];
  /** From their own coming to the whole state. */
  joinedMillis: number;
}

/** A listener that counts. */
export function hearing(): Heard {
  const heard: Heard = {
    attempts: 0,
    refusals: [],
    frames: new Map(),
    bytes: 0,
    largestFrame: 0,
    joins: 0,
    leaves: 0,
    errors: [],
    oddities: [],
    joinedMillis: 0,
    odd: (sentence) => heard.oddities.push(sentence),
    heard(frame, bytes) {
      const type = frame.type ?? 'of the gateway';
      heard.frames.set(type, (heard.frames.get(type) ?? 0) + 1);
      heard.bytes += bytes;
      heard.largestFrame = Math.max(heard.largestFrame, bytes);
      if (frame.type === 'error') heard.errors.push(frame.code);
      if (frame.type !== 'presence_diff') return;
      heard.joins += frame.joins.length;
      heard.leaves += frame.leaves.length;
    },
  };
  return heard;
}

/** How many frames of a type everybody heard together. */
export function framesHeard(heard: Heard[], type: string): number {
  return heard.reduce((sum, one) => sum + (one.frames.get(type) ?? 0), 0);
}
