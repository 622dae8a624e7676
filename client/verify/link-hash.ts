import { type ActivityLink, connectionText, inetText, jsonbText, linkText } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';

/** An entry with a link. */
export type LinkedItem = ActivityItem & { link: ActivityLink };

/** Whether a value can be the number of a link. */
export const isSequence = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;

/** Whether an entry has a link with a number. Without one it has no place in the chain. */
export function isLinked(item: ActivityItem): item is LinkedItem {
  const { link } = item;
  return !!link && typeof link === 'object' && isSequence(link.sequence);
}

/** SHA-256 of a text's UTF-8 bytes, in hex. */
export async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Whether an entry is what its link says. An entry of version 1 whose connection is hidden cannot be checked. What cannot be
 * read was not sealed so.
 */
export async function isSealed(item: LinkedItem): Promise<boolean | undefined> {
  const { ipAddress, link } = item;
  if (link.version === 1 && link.connectionHash !== undefined) return undefined;
  // In a text, a list of one value looks like the value.
  if (![1, 2].includes(link.version) || (ipAddress !== null && typeof ipAddress !== 'string')) return false;
  try {
    for (const variant of withoutEscapes(item)) if ((await hashOf(variant)) === item.link.hash) return true;
  } catch {}
  return false;
}

async function hashOf(item: LinkedItem): Promise<string> {
  const { link, id, sessionId, userId, activityType, userAgent, createdAt } = item;
  const { version, previousHash } = link;
  const ipAddress = addressOf(item);
  const entry = {
    ...{ userId, activityType, ipAddress, userAgent },
    username: sealedName(item),
    details: detailsOf(item),
    createdAt: timeText(createdAt),
  };
  const place = { version, sessionId, sequence: String(link.sequence), previousHash };
  return sha256(linkText(place, id, entry, await connectionOf(item, ipAddress)));
}

/** The name that was sealed. The entry may show a later name of the user. */
export function sealedName({ username, link: { sealed } }: LinkedItem): string | null {
  return sealed?.username === undefined ? username : sealed.username;
}

/** The shown address must be that of the sealed one, which may have a mask. */
function addressOf({ ipAddress, link: { sealed } }: LinkedItem): string | null {
  const address = sealed?.ipAddress;
  return address?.split('/')[0] === ipAddress && address !== undefined ? address : inetText(ipAddress);
}

/** The shown entry must equal the sealed one, so the sealed text is used only if it means the same. */
function detailsOf({ details, link }: LinkedItem): string {
  const text = jsonbText(details);
  const sealed = link.sealed?.details;
  return sealed !== undefined && jsonbText(JSON.parse(sealed)) === text ? sealed : text;
}

/** The time as it is hashed; empty for what is no time in whole milliseconds. */
export function timeText(createdAt: number): string {
  return Number.isInteger(createdAt) && Math.abs(createdAt) <= 8.64e15 ? new Date(createdAt).toISOString() : '';
}

/** The hash of a hidden connection proves only that it is hidden, and no address that is shown beside it. */
async function connectionOf({ link, userAgent }: LinkedItem, ipAddress: string | null) {
  const isHidden = ipAddress === null && userAgent === null;
  if (link.connectionHash !== undefined) return isHidden ? link.connectionHash : '';
  return isHidden ? null : sha256(connectionText(link.salt ?? '', ipAddress, userAgent));
}

const formula = /^'[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** CSV has an apostrophe before a field that a spreadsheet would run. Only the hash shows whether the field had it before. */
function withoutEscapes(item: LinkedItem): LinkedItem[] {
  let variants = [item];
  for (const name of ['activityType', 'username', 'userAgent'] as const) {
    const text = item[name];
    if (!text || !formula.test(text)) continue;
    variants = variants.flatMap((variant) => [variant, { ...variant, [name]: text.slice(1) }]);
  }
  return variants;
}
