import { v5 as uuidv5 } from 'uuid';
import type { AccessClaim } from '../../../protocol/access-claim.ts';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Actor } from '../../activity/activity-events.ts';
import type { ServerKey } from '../../server-keys/server-key.ts';
import type { Asker } from '../../sessions/asker.ts';

/** A program that sent a request with a server key. */
export interface Program {
  key: ServerKey;
  ipAddress: string | null;
  userAgent: string | null;
}

/** No user has this id. Only the key decides which sessions a program may use. */
const nobody = '00000000-0000-0000-0000-000000000000';

/** The program as somebody who asks for access. Its key covers sessions as an access claim does (rule SA3). */
export function askerOf({ key }: Program): Required<Asker> {
  return { userId: nobody, claim: claimOf(key) };
}

function claimOf({ sessions }: ServerKey): AccessClaim {
  return Object.fromEntries(sessions.map((name) => [name, 'operator' as const]));
}

/** The entry of what a program did. It names the key; no user did it. */
export function entryOf(
  { key, ipAddress, userAgent }: Program,
  sessionId: string,
  entry: (actor: Actor) => ActivityParams,
): ActivityParams {
  const made = entry({ sessionId, userId: null, username: key.name, ipAddress, userAgent });
  return { ...made, details: { ...made.details, keyId: key.id } };
}

/** The namespace of the senders' ids. Any UUID works, but it must never change. */
const senders = '6f8c2f0e-2a53-4f5e-9a0b-5d1c7e9b3a64';

/** The id under which clients see the program as the sender of an event. No user has it. */
export function senderId({ key }: Program): string {
  return uuidv5(key.id, senders);
}
