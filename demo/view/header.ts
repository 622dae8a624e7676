import type { ConnectionState } from '../live/connection.ts';
import type { Person } from '../person.ts';
import { button, element } from './dom.ts';
import { logo } from './icons.ts';

const texts: Record<ConnectionState, string> = {
  connecting: 'Connecting …',
  online: 'Connected',
  waiting: 'Offline, reconnecting',
  lost: 'Offline',
  closed: 'Not connected',
};

export interface HeaderOptions {
  onHome: () => void;
  onRename: () => void;
  onRetry: () => void;
}

/** The bar above all screens: link to the start, state of the connection, and the user of this tab. */
export class Header {
  readonly root: HTMLElement;
  readonly #connection: HTMLElement;
  readonly #text: HTMLElement;
  readonly #retry: HTMLButtonElement;
  readonly #person: HTMLButtonElement;

  constructor({ onHome, onRename, onRetry }: HeaderOptions) {
    const goHome = (event: Event) => {
      event.preventDefault();
      onHome();
    };
    this.#text = element('span', {}, texts.closed);
    this.#connection = element('span', { class: 'connection', attributes: { role: 'status' } });
    this.#connection.append(
      element('span', { class: 'connection-dot', attributes: { 'aria-hidden': 'true' } }),
      this.#text,
    );
    this.#retry = button('Try now', onRetry, 'link');
    this.#person = button('', onRename, 'link who');
    this.root = element(
      'header',
      { class: 'top' },
      element('a', { class: 'brand', attributes: { href: '/' }, on: { click: goHome } }, logo(), 'Rollcall'),
      element('span', { class: 'top-end' }, this.#connection, this.#retry, this.#person),
    );
    this.showConnection('closed');
    this.showPerson(undefined);
  }

  showConnection(state: ConnectionState, reason?: string): void {
    this.#connection.dataset['state'] = state;
    this.#connection.title = reason ?? '';
    this.#text.textContent = texts[state];
    this.#retry.hidden = state !== 'waiting' && state !== 'lost';
    this.#connection.hidden = state === 'closed';
  }

  showPerson(person: Person | undefined): void {
    this.#person.hidden = person === undefined;
    this.#person.textContent = person?.name ?? '';
    this.#person.setAttribute('aria-label', `Signed in as ${person?.name ?? 'nobody'}; change the user`);
  }
}
