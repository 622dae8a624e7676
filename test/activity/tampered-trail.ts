import { createHash, randomUUID } from 'node:crypto';
import type { ChainFault } from '../../client/verify/index.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { type ActivityLink, connectionText, inetText, jsonbText, linkText } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';

/** One forgery of an export. `items` are ten sealed entries, oldest first. */
export interface Tampering {
  name: string;
  forge(items: ActivityItem[]): ActivityItem[];
  fault: ChainFault;
  /** The fault in CSV, if it is another one there: CSV has no types. */
  inCsv?: ChainFault;
  /** The link at which it is found; null for an entry without a link. */
  sequence: number | null;
}

const change = (at: number, fields: Partial<ActivityItem>) => (items: ActivityItem[]) =>
  items.map((item, index) => (index === at ? { ...item, ...fields } : item));
const relink = (at: number, fields: object) => (items: ActivityItem[]) =>
  items.map((item, index) =>
    index === at ? ({ ...item, link: { ...(item.link as object), ...fields } } as ActivityItem) : item,
  );
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** The entry with the hash that it would have, computed by whoever changed it. */
export function rehashed(item: ActivityItem): ActivityItem {
  const link = item.link as ActivityLink;
  const { id, sessionId, userId, username, activityType, ipAddress, userAgent } = item;
  const address = inetText(ipAddress);
  const hasConnection = address !== null || userAgent !== null;
  const connection = hasConnection ? sha256(connectionText(link.salt ?? '', address, userAgent)) : null;
  const details = link.sealed?.details ?? jsonbText(item.details);
  const createdAt = new Date(item.createdAt).toISOString();
  const entry = { userId, username, activityType, details, ipAddress: address, userAgent, createdAt };
  const place = { version: link.version, sessionId, sequence: String(link.sequence), previousHash: link.previousHash };
  return { ...item, link: { ...link, hash: sha256(linkText(place, id, entry, connection)) } };
}
/** The history from an entry on, written again: each link follows the one before it. */
export function rewritten(items: ActivityItem[], from: number, fields: Partial<ActivityItem>): ActivityItem[] {
  const all = change(from, fields)(items);
  for (let index = from; index < all.length; index += 1) {
    const before = all[index - 1]?.link as ActivityLink | undefined;
    all[index] = rehashed(relink(index, before ? { previousHash: before.hash } : {})(all)[index]!);
  }
  return all;
}

/** An entry with a link that the chain does not have, put before the sixth entry. */
const added = (name: string, link: (item: ActivityItem) => unknown): Tampering => ({
  name,
  forge: (items) => {
    const item = { ...items[5]!, id: randomUUID(), activityType: 'harmless' };
    return items.toSpliced(5, 0, { ...item, link: link(item) as ActivityLink });
  },
  fault: 'entry_added',
  sequence: null,
});
/** The link with another number and the hash that it would have. */
const numbered = (sequence: unknown) => (item: ActivityItem) =>
  rehashed({ ...item, link: { ...(item.link as ActivityLink), sequence: sequence as number } }).link;

const altered = (name: string, forge: Tampering['forge']): Tampering => ({
  name,
  forge,
  fault: 'entry_altered',
  sequence: 6,
});

export const tamperings: Tampering[] = [
  altered('the type altered', change(5, { activityType: 'harmless' })),
  altered('the details altered', change(5, { details: { n: 4 } })),
  altered('the user altered', change(5, { userId: '00000000-0000-4000-8000-000000000000' })),
  altered('the name altered', change(5, { username: 'Bob' })),
  altered('the address altered', change(5, { ipAddress: '10.0.0.2' })),
  altered('the browser removed', change(5, { userAgent: null })),
  altered('the id altered', change(5, { id: '00000000-0000-4000-8000-000000000000' })),
  altered('a sealed name forged', relink(5, { sealed: { username: 'Bob' } })),
  altered('the address altered, with the old one as the sealed one', (items) =>
    relink(5, { sealed: { ipAddress: inetText(items[5]!.ipAddress) } })(change(5, { ipAddress: '10.0.0.2' })(items)),
  ),
  altered('the address altered, with the hash that hides the old one', (items) => {
    const { ipAddress, userAgent, link } = items[5]!;
    const { salt = '', ...rest } = link as ActivityLink;
    const connectionHash = sha256(connectionText(salt, inetText(ipAddress), userAgent));
    return change(5, { ipAddress: '10.0.0.2', link: { ...rest, connectionHash } })(items);
  }),
  altered('an entry altered and shown as one whose address is hidden', (items) =>
    relink(5, { version: 1, connectionHash: null })(change(5, { activityType: 'harmless' })(items)),
  ),
  altered('the name in another form of Unicode', (items) =>
    change(5, { username: items[5]!.username!.normalize('NFD') })(items),
  ),
  altered('the entry altered and its hash computed again', (items) =>
    items.map((item, index) => (index === 5 ? rehashed({ ...item, activityType: 'harmless' }) : item)),
  ),
  altered('a link without its hash', relink(5, { hash: undefined })),
  altered('a link with a sealed text that nobody can read', relink(5, { sealed: { details: '{' } })),
  altered('a link without a form', relink(5, { version: 3, sealed: null })),
  altered('a link with the number of its form as a text', relink(5, { version: '2' })),
  altered('details that are null', change(5, { details: null! })),
  {
    name: 'the time altered',
    forge: (items) => change(5, { createdAt: items[5]!.createdAt + 1 })(items),
    fault: 'entry_altered',
    sequence: 6,
  },
  { name: 'an entry removed', forge: (items) => items.toSpliced(4, 1), fault: 'link_missing', sequence: 5 },
  { name: 'the first entry removed', forge: (items) => items.slice(1), fault: 'link_missing', sequence: 1 },
  { name: 'the newest entries removed', forge: (items) => items.slice(0, 8), fault: 'link_missing', sequence: 9 },
  {
    name: 'an entry added',
    forge: (items) => items.toSpliced(5, 0, { ...items[5]!, id: randomUUID(), link: undefined! }),
    fault: 'entry_added',
    sequence: null,
  },
  ...[5.5, 0, -6, 1e21, '', null, [5]].map((sequence) =>
    added(`an entry added with the number ${JSON.stringify(sequence)} and its hash`, numbered(sequence)),
  ),
  ...[true, 1, 'sealed', [], {}].map((link) =>
    added(`an entry added with the link ${JSON.stringify(link)}`, () => link),
  ),
  {
    name: 'the entry altered, its number as a text, and its hash computed again',
    forge: (items) => {
      const item = { ...items[5]!, activityType: 'harmless' };
      return items.with(5, { ...item, link: numbered('6')(item)! });
    },
    fault: 'link_missing',
    inCsv: 'entry_altered',
    sequence: 6,
  },
  {
    name: 'an entry replaced by two that have numbers beside its own',
    forge: (items) => {
      const replaced = [4.7, 5.4].map((sequence) => {
        const item = { ...items[4]!, id: randomUUID() };
        return { ...item, link: numbered(sequence)(item)! };
      });
      return items.toSpliced(4, 1, ...replaced);
    },
    fault: 'link_missing',
    sequence: 5,
  },
  {
    name: 'an entry there twice',
    forge: (items) => items.toSpliced(6, 0, items[5]!),
    fault: 'entry_added',
    sequence: 6,
  },
  {
    name: 'an entry moved',
    forge: (items) => items.toSpliced(2, 1).toSpliced(7, 0, items[2]!),
    fault: 'entry_moved',
    sequence: 3,
  },
  { name: 'a hash replaced', forge: relink(5, { hash: 'f'.repeat(64) }), fault: 'entry_altered', sequence: 6 },
  {
    name: 'a previous hash replaced',
    forge: relink(5, { previousHash: 'f'.repeat(64) }),
    fault: 'link_moved',
    sequence: 6,
  },
  {
    name: 'two entries with each other’s links',
    forge: (items) =>
      items.map((item, index) =>
        index === 2 ? { ...item, link: items[6]!.link! } : index === 6 ? { ...item, link: items[2]!.link! } : item,
      ),
    fault: 'entry_altered',
    sequence: 3,
  },
  {
    name: 'entries removed while as many others wait',
    forge: (items) => {
      const waiting = [20, 21].map((n) => ({ ...items[9]!, id: randomUUID(), createdAt: items[9]!.createdAt + n }));
      const kept = relink(4, { end: 'last' })(items).toSpliced(5, 2);
      return [...kept, ...waiting.map((item) => ({ ...item, link: 'waiting' as const }))];
    },
    fault: 'link_missing',
    sequence: 6,
  },
  {
    name: 'an entry removed while a newer one waits',
    forge: (items) => [
      ...items.toSpliced(5, 1),
      { ...items[9]!, id: randomUUID(), createdAt: items[9]!.createdAt + 20, link: 'waiting' },
    ],
    fault: 'link_missing',
    sequence: 6,
  },
  {
    name: 'an entry hidden as one that waits',
    forge: (items) => change(5, { link: 'waiting', activityType: 'harmless' })(items),
    fault: 'link_missing',
    sequence: 6,
  },
];

/** Logs and seals ten entries with all kinds of content. @param start the time of the first one. */
export async function tenEntries(
  logger: ActivityLogger,
  sessionId: string,
  start = Date.now() - 10_000,
): Promise<void> {
  for (let n = 0; n < 10; n += 1) {
    const context = {
      ipAddress: n % 3 ? '10.0.0.1' : '2001:db8::1',
      userAgent: '=Firefox',
      username: n % 2 ? '-Zoë' : 'Ann, "A"',
    };
    const details = { n, deep: { ключ: [1e21, 1.5e-7, null, true], a: 'é\n"\u2028😀', '': {} }, bb: -0.25 };
    const activityId = `00000000-0000-4000-8000-00000000010${n}`.replace(/^0{8}/, sessionId.slice(0, 8));
    await logger.logActivity(sessionId, randomUUID(), n === 7 ? '@SUM(A1)' : `t${n}`, details, {
      ...context,
      activityId,
      at: start + 100 * n,
    });
  }
  await logger.sealChains();
}
