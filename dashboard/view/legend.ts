import { element, svg } from './dom.ts';

/** The dashes of the lines, so that lines differ without their colours. */
export const dashes: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [12, 4, 2, 4], [5, 2], [2, 6]];

export interface Legend {
  readonly root: HTMLElement;
  /** @param time the words for the time of the values; empty without a point. */
  show(labels: readonly string[], texts: readonly string[], time: string): void;
}

/** The names of the lines, each with a piece of it and its value. */
export function createLegend(): Legend {
  const list = element('ul', { class: 'legend' });
  const moment = element('p', { class: 'legend-time' });
  let known = '';
  let values: HTMLElement[] = [];

  function build(labels: readonly string[]): void {
    values = labels.map(() => element('span', { class: 'legend-value' }));
    const items = labels.map((label, line) =>
      element('li', {}, sample(line), element('span', {}, label), values[line]!),
    );
    list.replaceChildren(...items);
  }

  return {
    root: element('div', { class: 'legend-box' }, list, moment),
    show(labels, texts, time) {
      if (labels.join() !== known) build(labels);
      known = labels.join();
      for (const [line, text] of texts.entries()) values[line]!.textContent = text;
      moment.textContent = time;
    },
  };
}

function sample(line: number): SVGElement {
  const dash = dashes[line % dashes.length]!.join(' ');
  const attributes = { x1: 0, y1: 5, x2: 26, y2: 5, 'stroke-width': 2.5, 'stroke-dasharray': dash };
  return svg(
    'svg',
    { viewBox: '0 0 26 10', width: 26, height: 10, 'aria-hidden': 'true', class: `sample line-${(line % 6) + 1}` },
    svg('line', attributes),
  );
}
