import { create } from '../ui/dom.ts';

const icons: Record<string, string> = {
  left: '→',
  disconnected: '↯',
  timeout: '◔',
  removed: '✕',
  session_ended: '■',
  session_expired: '□',
};

/** A sign for the cause of an end, so that colour is not the only difference. */
export const iconOf = (cause: string | null) => (cause === null ? '●' : (icons[cause] ?? '◆'));

/** Replaces the placeholders in a sentence. */
export const fill = (sentence: string, values: Record<string, string | number>) =>
  sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

/** A table that is folded away. */
export function tableOf(title: string, heads: readonly string[], rows: readonly HTMLElement[]): HTMLDetailsElement {
  const head = create('tr', {}, ...heads.map((text) => create('th', { scope: 'col' }, text)));
  const table = create('table', { 'aria-label': title }, create('thead', {}, head), create('tbody', {}, ...rows));
  // An area that scrolls must be reachable with the keyboard.
  const area = create('div', { tabindex: '0', role: 'group', 'aria-label': title }, table);
  return create('details', {}, create('summary', {}, title), area);
}

/** A row of a table. */
export const rowOf = (texts: readonly string[]) => create('tr', {}, ...texts.map((text) => create('td', {}, text)));
