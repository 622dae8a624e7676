import { type ActivityLink, connectionText, inetText, jsonbText, linkText } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';

/** An entry with a link. */
export type LinkedItem = ActivityItem & { link: ActivityLink };

/** SHA-256 of a text's UTF-8 bytes, in hex. */
export async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether an entry is what its link says. An entry of version 1 whose connection is hidden cannot be checked. */
export async function isSealed(item: LinkedItem): Promise<boolean | undefined> {
  if (item.link.version === 1 && item.link.connectionHash !== undefined) return undefined;
  for (const variant of withoutEscapes(item)) if ((await hashOf(variant)) === item.link.hash) return true;
  return false;
}

async function hashOf(item: LinkedItem): Promise<string> {
  const { link, id, sessionId, userId, activityType, userAgent, createdAt } = item;
  const { sealed = {}, version, previousHash } = link;
  const ipAddress = sealed.ipAddress === undefined ? inetText(item.ipAddress) : sealed.ipAddress;
  const entry = {
    ...{ userId, activityType, ipAddress, userAgent },
    username: sealed.username === undefined ? item.username : sealed.username,
    details: detailsOf(item),
    createdAt: timeText(createdAt),
  };
  const place = { version, sessionId, sequence: String(link.sequence), previousHash };
  return sha256(linkText(place, id, entry, await connectionOf(link, ipAddress, userAgent)));
}

/** The shown entry must equal the sealed one, so the sealed text is used only if it means the same. */
function detailsOf({ details, link }: LinkedItem): string {
  const text = jsonbText(details);
  const sealed = link.sealed?.details;
  return sealed !== undefined && jsonbText(JSON.parse(sealed)) === text ? sealed : text;
}

function timeText(createdAt: number): string {
  return Number.isFinite(createdAt) && Math.abs(createdAt) <= 8.64e15 ? new Date(createdAt).toISOString() : '';
}

async function connectionOf(link: ActivityLink, ipAddress: string | null, userAgent: string | null) {
  if (link.connectionHash !== undefined) return link.connectionHash;
  if (ipAddress === null && userAgent === null) return null;
  return sha256(connectionText(link.salt ?? '', ipAddress, userAgent));
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
