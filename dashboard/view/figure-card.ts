import { formatFigure, formatWithUnit, unitWord, unknown } from '../data/format.ts';
import { sumOf } from '../data/history.ts';
import { type Model, periodWords } from '../data/model.ts';
import type { Card } from '../figures/cards.ts';
import { plotDataOf } from '../figures/plot-data.ts';
import { element } from './dom.ts';
import { createPlotBox } from './plot-box.ts';

export interface FigureCard {
  readonly root: HTMLElement;
  update(model: Model): void;
  close(): void;
}

/** A card with a figure, what it means, and its plot. */
export function createFigureCard(card: Card): FigureCard {
  const { id, title, metric, about, unit, kind, main, word: ownWord } = card;
  const figure = element('span', { class: 'figure' }, unknown);
  const word = element('span', { class: 'unit' });
  const period = element('span', { class: 'period' });
  const box = createPlotBox({ title, empty: 'Nothing was counted in this period. Let somebody join a session.' });
  const heading = element('h3', { attributes: { id: `card-${id}` } }, title);
  const name = metric ? [element('code', { class: 'metric' }, metric)] : [];
  const root = element(
    'section',
    { class: 'card', attributes: { 'aria-labelledby': `card-${id}`, 'data-figure': id } },
    element('header', { class: 'card-head' }, heading, ...name),
    element('p', { class: 'now' }, figure, word, period),
    element('p', { class: 'about' }, about),
    box.root,
  );
  let shown: Model['history'];

  return {
    root,
    update(model) {
      const value =
        kind === 'moment' ? (model.current(main.of)?.value ?? null) : sumOf(model.history ?? { items: [] }, main.of);
      figure.textContent = formatFigure(value, unit);
      word.textContent = value === null ? '' : (ownWord?.[value === 1 ? 0 : 1] ?? unitWord(value, unit));
      const what = kind === 'count' ? `in the last ${periodWords[model.period]}` : '';
      period.textContent = value === null ? 'not known now' : what;
      root.setAttribute('data-value', formatWithUnit(value, unit));
      if (!model.history || shown === model.history) return;
      shown = model.history;
      box.update(plotDataOf(card, model.history), model.history.stepSeconds);
    },
    close: box.close,
  };
}
