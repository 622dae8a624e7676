import { limits } from '../../protocol/limits.ts';
import { readMessage } from '../../protocol/read-message.ts';
import { utf8Bytes } from '../../protocol/text.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { Refusal } from './refusal.ts';

/** In tests the ids of users are any texts; the service has UUIDs. */
const anyUser = '00000000-0000-4000-8000-000000000000';
const idOf = (value: unknown) => (typeof value === 'string' ? anyUser : value);

/** @throws Refusal INVALID_MESSAGE or TOO_LARGE, as the service does. */
export function checkMessage(frame: Frame): void {
  const { userId, to } = frame as Frame & { userId?: unknown; to?: unknown };
  const checked = { ...frame, userId: idOf(userId), to: Array.isArray(to) ? to.map(idOf) : to };
  const read = readMessage(JSON.stringify(checked));
  if ('error' in read) throw new Refusal(read.error.code, read.error.message);
}

/** @throws Refusal TOO_LARGE if the data of a user would be too large after a change. */
export function checkData(known: Json | undefined, change: Json | undefined): void {
  const entries = Object.entries({ ...known, ...change }).filter(([, value]) => value !== null);
  const bytes = entries.reduce(
    (sum, entry) => sum + utf8Bytes(entry.map((part) => JSON.stringify(part)).join('')) + 2,
    1,
  );
  if (change && bytes > limits.dataBytes) {
    throw new Refusal('TOO_LARGE', `"data": all keys together must be at most ${limits.dataBytes} bytes of JSON.`);
  }
}
