import { randomBytes } from 'node:crypto';

const idBytes = 11;
/** Random bytes for many ids. Reading them in blocks saves system calls; each message needs two ids. */
let randomness = Buffer.alloc(0);

/** An id in the form API Gateway gives connections, messages and requests: base64 with one `=` at the end. */
export function gatewayId(): string {
  if (randomness.length < idBytes) randomness = randomBytes(idBytes * 256);
  const id = randomness.subarray(0, idBytes).toString('base64url');
  randomness = randomness.subarray(idBytes);
  return `${id}=`;
}

/** Whether a text has the form of a connection id. Other texts are answered 400 and not 410. */
export function isConnectionId(text: string): boolean {
  return text.length % 4 === 0 && /^[\w-]{8,}={0,2}$/.test(text);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Cache: the last formatted second and its text. */
let cachedSecond = Number.NaN;
let cachedText = '';

/** Formats a time as in access logs, for `requestTime`: `21/Nov/2026:04:05:06 +0000`. */
export function requestTime(epochMillis: number): string {
  const second = Math.floor(epochMillis / 1000);
  if (second !== cachedSecond) {
    const time = new Date(epochMillis);
    const two = (value: number) => String(value).padStart(2, '0');
    const day = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
    cachedText = `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
    cachedSecond = second;
  }
  return cachedText;
}
