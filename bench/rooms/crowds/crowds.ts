import type { OpenCrowd } from '../crowd.ts';
import { openHocuspocus, openYWebsocket } from './awareness.ts';
import { openBroadcast } from './broadcast.ts';
import { openRollcall } from './rollcall.ts';
import { openSocketIo } from './socket-io.ts';

/** The client side of each kind of server. */
export const crowds = {
  rollcall: openRollcall,
  broadcast: openBroadcast,
  'socket-io': openSocketIo,
  hocuspocus: openHocuspocus,
  'y-websocket': openYWebsocket,
} as const satisfies Record<string, OpenCrowd>;

export type CrowdName = keyof typeof crowds;
