import { type ActivityLink, inetText, jsonbText } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { connectionHash } from './chain-link.ts';

/** The columns of the chain that a page needs for an entry `a`; see {@link linkJoins}. */
export const linkColumns = `s.sequence::float8 AS "linkSequence", encode(s.previous_hash, 'hex') AS "previousHash",
  encode(s.hash, 'hex') AS hash, s.version, encode(s.salt, 'hex') AS salt, a.username AS "sealedUsername",
  a.ip_address::text AS "sealedAddress", s.sequence = c.anchor_sequence + 1 AS "isFirst", c.sequence::float8 AS head,
  s.hash IS NULL AND EXISTS (
    SELECT FROM activity_unsealed t WHERE t.session_id = a.session_id AND t.activity_id = a.id) AS "isWaiting"`;

export const linkJoins = `
  LEFT JOIN activity_seals s ON s.activity_id = a.id AND s.session_id = a.session_id
  LEFT JOIN activity_chains c ON c.session_id = a.session_id`;

/** A row of the page. `details` is the text of the `jsonb` value. */
export interface EntryRow extends Omit<ActivityItem, 'details' | 'link'> {
  details: string;
  linkSequence: number | null;
  previousHash: string;
  hash: string;
  version: 1 | 2;
  salt: string | null;
  sealedUsername: string | null;
  sealedAddress: string | null;
  isFirst: boolean | null;
  /** The number of the last link of the chain; null without a chain. */
  head: number | null;
  isWaiting: boolean;
}

/**
 * The entry with its link.
 *
 * @param head the last link when the first page was read. An entry that was sealed later waits, so that all pages show one chain.
 */
export function toLinkedItem(row: EntryRow, head = row.head): ActivityItem {
  const { id, sessionId, userId, username, activityType, ipAddress, userAgent, createdAt } = row;
  const details = JSON.parse(row.details) as ActivityItem['details'];
  const item = { id, sessionId, userId, username, activityType, details, ipAddress, userAgent, createdAt };
  const { linkSequence } = row;
  if (row.isWaiting || (linkSequence !== null && linkSequence > head!)) return { ...item, link: 'waiting' };
  return linkSequence === null ? item : { ...item, link: linkOf(row, item, linkSequence === head) };
}

function linkOf(row: EntryRow, item: ActivityItem, isLast: boolean): ActivityLink {
  const { previousHash, hash, version, salt } = row;
  const sealed = {
    ...(row.sealedUsername === item.username ? {} : { username: row.sealedUsername }),
    ...(row.details === jsonbText(item.details) ? {} : { details: row.details }),
    ...(row.sealedAddress === inetText(item.ipAddress) ? {} : { ipAddress: row.sealedAddress }),
  };
  return {
    ...{ sequence: row.linkSequence!, previousHash, hash, version },
    ...(salt === null ? {} : { salt }),
    ...endOf(row.isFirst, isLast),
    ...(Object.keys(sealed).length === 0 ? {} : { sealed }),
  };
}

function endOf(isFirst: boolean | null, isLast: boolean): Pick<ActivityLink, 'end'> {
  if (isFirst && isLast) return { end: 'only' };
  if (isFirst) return { end: 'first' };
  return isLast ? { end: 'last' } : {};
}

/** The entry for a user who may not see the addresses and browsers of others. Its link can still be verified. */
export function withoutConnection(item: ActivityItem): ActivityItem {
  const hidden = { ...item, ipAddress: null, userAgent: null };
  if (typeof item.link !== 'object') return hidden;
  const { salt, sealed: { ipAddress = inetText(item.ipAddress), ...sealed } = {}, ...link } = item.link;
  const hash = link.version === 1 ? null : connectionHash(salt, ipAddress, item.userAgent);
  const more = Object.keys(sealed).length === 0 ? {} : { sealed };
  return { ...hidden, link: { ...link, connectionHash: hash, ...more } };
}
