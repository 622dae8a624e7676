import type { ClientState } from '../../client/client-state.ts';
import { formatClock } from '../data/format.ts';
import { button, element, link, svg } from './dom.ts';

const views = [
  ['Now', '#/'],
  ['Sessions', '#/sessions'],
  ['Analytics', '#/analytics'],
] as const;

const words: Record<ClientState, readonly [state: string, text: string]> = {
  idle: ['waiting', 'Connecting'],
  connecting: ['waiting', 'Connecting'],
  open: ['live', 'Live'],
  waiting: ['lost', 'Connection lost, trying again'],
  closed: ['lost', 'Not connected'],
};

export interface Shell {
  readonly root: HTMLElement;
  /** Shows a view; `address` is the entry of the navigation that is marked. `isMove`: the operator came from another view. */
  show(content: HTMLElement, address: string, isMove: boolean): void;
  /** @param updatedAt when figures last arrived. */
  setState(state: ClientState, updatedAt: number | undefined): void;
}

/** The header with the navigation and the state of the connection, and the place of the views. */
export function createShell(onSignOut: (() => void) | undefined): Shell {
  const links = views.map(([label, href]) => link(label, href, 'tab'));
  const text = element('span', { class: 'state-text' });
  const state = element('p', { class: 'connection', attributes: { role: 'status' } }, dot(), text);
  const time = element('p', { class: 'updated' });
  const main = element('main', { attributes: { id: 'content', tabindex: '-1' } });
  const skip = element('a', { class: 'skip', attributes: { href: '#content' } }, 'Skip to the content');
  skip.onclick = (event) => {
    event.preventDefault();
    main.focus();
  };
  const header = element(
    'header',
    { class: 'top' },
    element('a', { class: 'brand', attributes: { href: '#/' } }, logo(), 'Rollcall'),
    element('nav', { attributes: { 'aria-label': 'Views' } }, ...links),
    element(
      'div',
      { class: 'right' },
      state,
      time,
      ...(onSignOut ? [button('Sign out', onSignOut, 'button small')] : []),
    ),
  );

  return {
    root: element('div', { class: 'shell' }, skip, header, main),
    show(content, address, isMove) {
      for (const each of links) {
        if (each.getAttribute('href') === address) each.setAttribute('aria-current', 'page');
        else each.removeAttribute('aria-current');
      }
      main.replaceChildren(content);
      // Otherwise the keyboard would begin at the top of the page again.
      if (isMove) main.focus();
    },
    setState(next, updatedAt) {
      const [kind, label] = words[next];
      if (text.textContent !== label) text.textContent = label;
      state.dataset['state'] = kind;
      main.toggleAttribute('data-stale', kind === 'lost');
      time.textContent = updatedAt === undefined ? '' : `Figures of ${formatClock(updatedAt)}`;
    },
  };
}

function dot(): HTMLElement {
  return element('span', { class: 'dot', attributes: { 'aria-hidden': 'true' } });
}

function logo(): SVGElement {
  const circle = (cx: number, r: number, name: string) => svg('circle', { cx, cy: 16, r, class: name });
  return svg(
    'svg',
    { viewBox: '0 0 32 32', width: 28, height: 28, 'aria-hidden': 'true' },
    svg('rect', { width: 32, height: 32, rx: 9, class: 'logo-ground' }),
    circle(9.5, 3, 'logo-dim'),
    circle(22.5, 3, 'logo-dim'),
    circle(16, 4.5, 'logo-lit'),
  );
}
