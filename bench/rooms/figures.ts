import type { RoomResult } from './measured-room.ts';

/** The results of a run, in the units of the tables. */
export interface Figures {
  /** CPU seconds of the server for each 1,000 delivered updates. */
  cpu: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  /** Received payload bytes for each delivered update. */
  bytes: number;
  /** Fractions of the expected updates. */
  lost: number;
  replaced: number;
  /** Messages to and from clients as API Gateway bills them, and those to clients alone, against naive fan-out. */
  billed: number;
  posts: number;
}

export function figuresOf(result: RoomResult): Figures {
  const { delivered, expected, latency, room, sentFrames, receivedUnits } = result;
  // Naive fan-out posts each update separately to each receiver.
  const naivePosts = expected;
  const naiveBilled = naivePosts + expected / (room.members - 1);
  return {
    cpu: (result.serverSeconds * 1000) / delivered,
    p50: latency.p50,
    p95: latency.p95,
    p99: latency.p99,
    bytes: result.receivedBytes / delivered,
    lost: result.lost / expected,
    replaced: result.replaced / expected,
    billed: (sentFrames + receivedUnits) / naiveBilled,
    posts: receivedUnits / naivePosts,
  };
}

/** The units, for the stored table of figures. */
export const units: Record<keyof Figures, string> = {
  cpu: 's per 1,000 delivered',
  p50: 'ms',
  p95: 'ms',
  p99: 'ms',
  bytes: 'bytes per delivered',
  lost: 'of expected',
  replaced: 'of expected',
  billed: 'of naive fan-out',
  posts: 'of naive fan-out',
};
