import type { Api } from '../data/api.ts';
import { formatNumber } from '../data/format.ts';
import { figureOf, type PlottedReports, type ReportPlot, type Step, stepWords } from '../pages/reports.ts';
import { type Csv, csvButton } from './csv-button.ts';
import { element } from './dom.ts';
import { createPlotBox } from './plot-box.ts';

const stepSeconds = { hour: 3600, day: 86_400 };

export interface ReportCard {
  readonly root: HTMLElement;
  show(reports: PlottedReports, step: Step): void;
  close(): void;
}

/** A card with a report over days, its plot, and its rows as CSV. */
export function createReportCard(plot: ReportPlot, api: Api, csv: Csv): ReportCard {
  const { id, title, about, word } = plot;
  const figure = element('span', { class: 'figure' });
  const unit = element('span', { class: 'unit' });
  const place = element('div', { class: 'plot-place' });
  const root = element(
    'section',
    { class: 'card', attributes: { 'aria-labelledby': `report-${id}`, 'data-report': id } },
    element('h2', { class: 'card-title', attributes: { id: `report-${id}` } }, title),
    element('p', { class: 'now' }, figure, unit),
    element('p', { class: 'about' }, about),
    place,
    csvButton(api, title, csv),
  );
  let box: ReturnType<typeof createPlotBox> | undefined;
  let shown: Step | undefined;

  return {
    root,
    show(reports, chosen) {
      const step = plot.isDaily ? 'day' : chosen;
      if (!box || shown !== step) {
        box?.close();
        box = createPlotBox({
          title,
          time: stepWords(step),
          isUtc: true,
          empty: 'Nothing was counted in this period. Choose a longer one.',
        });
        place.replaceChildren(box.root);
        shown = step;
      }
      const data = plot.data(reports);
      const value = figureOf(plot, data);
      figure.textContent = formatNumber(value);
      unit.textContent = word[value === 1 ? 0 : 1];
      box.update(data, stepSeconds[step]);
    },
    close: () => box?.close(),
  };
}
