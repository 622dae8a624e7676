import { randomBytes } from 'node:crypto';

const idBytes = 11;
/** Random bytes for many ids: asking the system for each one is dear, and a message has two of them. */
let randomness = Buffer.alloc(0);

/** An id in the form API Gateway gives connections, messages and requests: base64 with one `=` at the end. */
export function gatewayId(): string {
  if (randomness.length < idBytes) randomness = randomBytes(idBytes * 256);
  const id = randomness.subarray(0, idBytes).toString('base64url');
  randomness = randomness.subarray(idBytes);
  return `${id}=`;
}

/** Whether a text can be a connection id at all; what cannot is answered 400, not 410. */
export function isConnectionId(text: string): boolean {
  return text.length % 4 === 0 && /^[\w-]{8,}={0,2}$/.test(text);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The second that was last put into words, and the words. */
let toldSecond = Number.NaN;
let told = '';

/** A moment in the form of access logs, which `requestTime` has: `21/Nov/2026:04:05:06 +0000`. */
export function requestTime(epochMillis: number): string {
  const second = Math.floor(epochMillis / 1000);
  if (second !== toldSecond) {
    const time = new Date(epochMillis);
    const two = (value: number) => String(value).padStart(2, '0');
    const day = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
    told = `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
    toldSecond = second;
  }
  return told;
}
