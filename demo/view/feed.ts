import type { LeaveCause } from '../../protocol/entities.ts';
import type { Movement } from '../live/presence-state.ts';
import { element } from './dom.ts';

const longest = 40;

const causes: Record<LeaveCause, string> = {
  left: 'left',
  disconnected: 'left: their connection closed',
  timeout: 'timed out: no sign of life',
  removed: 'was removed by the owner',
  session_ended: 'left: the session ended',
  session_expired: 'left: the session expired',
  gone: 'left: their connection broke',
};

/** Joins and leaves, the newest first. */
export class Feed {
  readonly root: HTMLElement;

  constructor() {
    this.root = element('ol', {
      class: 'feed',
      attributes: { 'aria-live': 'polite', 'aria-label': 'Joins and leaves' },
    });
  }

  add(movement: Movement, at: Date): void {
    const time = element(
      'time',
      { attributes: { datetime: at.toISOString() } },
      at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    );
    const name = element('strong', {}, movement.user.username);
    const cause = movement.kind === 'left' ? (movement.cause ?? 'unknown') : 'joined';
    this.root.prepend(
      element('li', { attributes: { 'data-cause': cause } }, time, ' ', name, ` ${describe(movement)}`),
    );
    while (this.root.childElementCount > longest) this.root.lastElementChild?.remove();
  }
}

function describe(movement: Movement): string {
  if (movement.kind === 'joined') return 'joined';
  return movement.cause ? causes[movement.cause] : 'left while you were offline';
}
