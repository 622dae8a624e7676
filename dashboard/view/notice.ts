import { button, element, svg } from './dom.ts';

export interface NoticeOptions {
  title: string;
  text: string;
  /** The next step. */
  action?: { label: string; run: () => void };
  isAlert?: boolean;
  /** Whether it is the whole page. */
  isPage?: boolean;
}

/** A message in the place of content: what is the case, and one next step. */
export function notice({ title, text, action, isAlert = false, isPage = false }: NoticeOptions): HTMLElement {
  return element(
    'section',
    { class: 'notice', attributes: isAlert ? { role: 'alert' } : {} },
    picture(),
    element(isPage ? 'h1' : 'h2', {}, title),
    element('p', {}, text),
    ...(action ? [button(action.label, action.run, 'button primary')] : []),
  );
}

export function loading(text: string): HTMLElement {
  const spinner = element('span', { class: 'spinner', attributes: { 'aria-hidden': 'true' } });
  return element('p', { class: 'loading', attributes: { role: 'status' } }, spinner, text);
}

function picture(): SVGElement {
  const attributes = { viewBox: '0 0 48 24', width: 72, height: 36, 'aria-hidden': 'true', class: 'notice-picture' };
  const path = svg('path', { d: 'M2 18h9l5-12 7 16 6-10h6l3 6h8', fill: 'none', 'stroke-width': 2.5 });
  return svg('svg', attributes, path);
}
