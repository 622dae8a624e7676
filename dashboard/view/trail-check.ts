import type { CheckpointProof } from '../../protocol/audit-checkpoint.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import type { Api, ApiError } from '../data/api.ts';
import { formatNumber } from '../data/format.ts';
import { button, element } from './dom.ts';
import { createTable } from './table.ts';

const mostEntries = 50_000;
const pageEntries = 500;

interface Pages<Item> {
  items: Item[];
  next?: string | number;
}

/** Reads the audit trail of a session and verifies its hash chain in the browser. */
export function createTrailCheck(api: Api, sessionId: string) {
  const result = element('p', { class: 'moment', attributes: { role: 'status' } });
  const faults = createTable({ caption: 'Faults', columns: ['Fault', 'Link', 'Entry'], isNumber: () => false });
  faults.root.hidden = true;
  const start = button('Verify the audit trail', () => void verify());
  const about =
    'Reads every entry, computes the hash chain again in this browser, and compares it with the signed checkpoints.';
  const root = element(
    'section',
    { class: 'section' },
    element('h2', {}, 'Verification'),
    element('p', { class: 'hint' }, about),
    element('div', { class: 'controls' }, start),
    result,
    faults.root,
  );

  async function all<Item>(path: string, onRead: (many: number) => void): Promise<Item[]> {
    const items: Item[] = [];
    let next: string | number | undefined;
    do {
      const query = new URLSearchParams({
        limit: String(pageEntries),
        ...(next !== undefined && { before: String(next) }),
      });
      const page = await api.read<Pages<Item>>(`/sessions/${sessionId}/${path}?${query}`);
      items.push(...page.items);
      onRead(items.length);
      next = page.next;
    } while (next !== undefined && items.length < mostEntries);
    return items;
  }

  async function verify(): Promise<void> {
    start.disabled = true;
    faults.root.hidden = true;
    try {
      const items = await all<ActivityItem>('activity', (many) => {
        result.textContent = `Reading: ${formatNumber(many)} entries …`;
      });
      const proofs = await all<CheckpointProof>('checkpoints', () => {});
      const { verifyTrail } = await import('../../client/verify/index.ts');
      const isComplete = items.length < mostEntries;
      const found = await verifyTrail(items, { isComplete, proofs: isComplete ? proofs : [] });
      result.textContent = sentenceOf(found, items.length, isComplete);
      faults.root.hidden = found.valid;
      faults.show(
        found.faults.map(({ fault, sequence, activityId }) => [fault, String(sequence ?? '–'), activityId ?? '–']),
      );
    } catch (error) {
      result.textContent = refusalOf(error as ApiError);
    } finally {
      start.disabled = false;
    }
  }

  return { root };
}

type Verification = Awaited<ReturnType<typeof import('../../client/verify/index.ts')['verifyTrail']>>;

function sentenceOf(
  { valid, chains, waiting, unchecked, proven }: Verification,
  many: number,
  isComplete: boolean,
): string {
  const links = chains.reduce((sum, chain) => sum + chain.links, 0);
  const parts = [
    valid ? 'No fault was found.' : 'The audit trail has faults; see the table.',
    `${formatNumber(links)} of ${formatNumber(many)} entries equal what was sealed, and ${formatNumber(proven)} checkpoints prove their place.`,
    ...(waiting.length > 0 ? [`${formatNumber(waiting.length)} wait to be sealed.`] : []),
    ...(unchecked.length > 0
      ? [`${formatNumber(unchecked.length)} can be checked only by who may see the addresses.`]
      : []),
    ...(isComplete
      ? []
      : [`Only the latest ${formatNumber(many)} entries were read; npm run audit:verify checks all.`]),
  ];
  return parts.join(' ');
}

function refusalOf({ failure, message }: ApiError): string {
  // The service does not tell strangers that a private session exists.
  if (failure !== 'denied' && failure !== 'absent') return message;
  return 'Only people of this session may read the entries of its audit trail; ask its owner, or run npm run audit:verify.';
}
