import type { ErrorCode } from '../../client/index.ts';
import { button, element, field } from './dom.ts';
import { logo, warningIcon } from './icons.ts';

/** The bar of the pages outside of a room. */
export function plainHeader(): HTMLElement {
  return element(
    'header',
    { class: 'top' },
    element('a', { class: 'brand', attributes: { href: '/' } }, logo(), 'Rollcall'),
  );
}

export interface NameOptions {
  title: string;
  lead: string;
  action: string;
  onName: (name: string) => void;
}

/** Asks for the name that others see. */
export function nameScreen({ title, lead, action, onName }: NameOptions): HTMLElement {
  const attributes = { required: '', maxlength: '40', autocomplete: 'given-name', placeholder: 'Ada' };
  const input = element('input', { attributes });
  const submit = (event: Event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (name) onName(name);
  };
  return element(
    'main',
    { class: 'narrow' },
    element(
      'form',
      { class: 'card', on: { submit } },
      element('h1', {}, title),
      element('p', { class: 'lead' }, lead),
      field('Your name', input),
      element('button', { class: 'button primary', attributes: { type: 'submit' } }, action),
    ),
  );
}

export function waitingScreen(text: string): HTMLElement {
  const spinner = element('span', { class: 'spinner', attributes: { 'aria-hidden': 'true' } });
  const line = element('p', { class: 'waiting', attributes: { role: 'status' } }, spinner, text);
  return element('main', { class: 'narrow', attributes: { 'aria-busy': 'true' } }, line);
}

const titles: Partial<Record<ErrorCode, string>> = {
  INVITE_EXPIRED: 'This invitation has expired',
  INVITE_INVALID: 'This invitation does not work',
  SESSION_NOT_FOUND: 'There is no such session',
  SESSION_INACTIVE: 'This session is over',
  SESSION_FULL: 'This session is full',
  PERMISSION_DENIED: 'You need an invitation',
  UNAVAILABLE: 'Rollcall cannot be reached',
};

/** Shows why a user cannot join, and what they can do. `onRetry` is set if a retry can succeed. */
export function refusalScreen(code: ErrorCode, message: string, onRetry?: () => void): HTMLElement {
  const ways = element('div', { class: 'actions' });
  ways.append(element('a', { class: 'button primary', attributes: { href: '/' } }, 'Go to the start page'));
  if (onRetry) ways.append(button('Try again', onRetry));
  return element(
    'main',
    { class: 'narrow' },
    element(
      'section',
      { class: 'card refusal', attributes: { role: 'alert' } },
      warningIcon(),
      element('h1', {}, titles[code] ?? 'You cannot join'),
      element('p', {}, message),
      ways,
    ),
  );
}

/** Replaces the content of the page below the bar. */
export function show(...screens: HTMLElement[]): void {
  document.querySelector('#app')!.replaceChildren(...screens);
  document.querySelector<HTMLInputElement>('#app input[required]')?.focus();
}
