import { showPresenceTimeline } from '../../client/timeline/index.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import type { Api } from '../data/api.ts';
import { formatMoment, formatNumber } from '../data/format.ts';
import { createTrailReader } from '../data/trail.ts';
import { causeWords } from '../figures/cards.ts';
import { button, element } from './dom.ts';

export interface TrailOptions {
  api: Api;
  sessionId: string;
  /** The moment to show first, Unix milliseconds. Default: the end. */
  at: number | undefined;
  onMove(at: number): void;
}

/** Who was in a session and why they left, from its audit trail, whose hash chain is verified in the browser. */
export function createTrail({ api, sessionId, at, onMove }: TrailOptions) {
  const area = element('div');
  const result = element('p', { class: 'hint' });
  const again = button('Read again', () => void timeline.refresh());
  const reader = createTrailReader(api, sessionId);

  async function verify(entries: ActivityItem[], isComplete: boolean) {
    const { verifyTrail } = await import('../../client/verify/index.ts');
    const checkpoints = isComplete ? await reader.proofs() : [];
    const publicKeys = [...new Set(checkpoints.map(({ checkpoint }) => checkpoint.publicKey))];
    const found = await verifyTrail(entries, { isComplete, proofs: checkpoints, publicKeys });
    const links = found.chains.reduce((sum, chain) => sum + chain.links, 0);
    const removed = (found.chains[0]?.first.sequence ?? 1) - 1;
    const parts = [
      found.valid ? 'No fault was found.' : 'The audit trail has faults.',
      `${formatNumber(links)} of ${formatNumber(entries.length)} entries are as they were sealed. Checkpoints that prove them: ${formatNumber(found.proven)}.`,
      ...(found.waiting.length > 0 ? [`Not sealed yet: ${formatNumber(found.waiting.length)}.`] : []),
      ...(isComplete && removed > 0 ? [`Retention removed the first ${formatNumber(removed)}.`] : []),
      ...(isComplete ? [] : ['npm run audit:verify checks the whole trail.']),
    ];
    result.textContent = parts.join(' ');
    return found;
  }

  const timeline = showPresenceTimeline(area, reader, {
    ...(at !== undefined && { at }),
    onMove,
    verify,
    formatTime: formatMoment,
    words: { causes: causeWords },
  });
  const root = element(
    'section',
    { class: 'section' },
    element('h2', {}, 'Who was here'),
    area,
    result,
    element('div', { class: 'controls' }, again),
  );
  return { root, close: timeline, refresh: () => void timeline.refresh() };
}
