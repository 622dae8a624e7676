import { formatClock } from '../data/format.ts';
import { type PlotData, rowsOf } from '../figures/plot-data.ts';
import { button, element } from './dom.ts';
import { createPlot, type Plot } from './plot.ts';
import { createTable } from './table.ts';

export interface PlotBoxOptions {
  title: string;
  /** The heading of the first column, and the words for its times. Default: times of day. */
  time?: { heading: string; text: (time: number) => string };
  /** Whether the steps are days or hours of UTC. */
  isUtc?: boolean;
  /** What is shown while there are no points. */
  empty: string;
}

/** A plot that can also be read as a table. */
export function createPlotBox({ title, time, isUtc = false, empty }: PlotBoxOptions): Plot {
  const { heading, text } = time ?? { heading: 'Time', text: formatClock };
  const plot = createPlot({ label: title, timeText: text, isUtc });
  const nothing = element('p', { class: 'plot-empty' }, empty);
  const tableBox = element('div', { attributes: { id: `table-${crypto.randomUUID()}`, hidden: '' } });
  const toggle = button(
    'Show as table',
    () => {
      isTable = !isTable;
      draw();
    },
    'button small',
  );
  toggle.setAttribute('aria-controls', tableBox.id);
  let isTable = false;
  let data: PlotData | undefined;
  let seconds = 10;
  let table: ReturnType<typeof createTable> | undefined;
  let columns = '';

  function draw(): void {
    const isEmpty = !data || data.times.length === 0;
    toggle.textContent = isTable ? 'Show as plot' : 'Show as table';
    toggle.setAttribute('aria-expanded', String(isTable));
    toggle.setAttribute('aria-label', `${toggle.textContent}: ${title}`);
    toggle.hidden = isEmpty;
    nothing.hidden = !isEmpty;
    plot.root.hidden = isEmpty || isTable;
    tableBox.hidden = isEmpty || !isTable;
    if (!data || isEmpty) return;
    if (!isTable) {
      plot.update(data, seconds);
      return;
    }
    const names = [heading, ...data.labels];
    if (!table || names.join() !== columns) {
      table = createTable({ caption: title, columns: names });
      columns = names.join();
      tableBox.replaceChildren(table.root);
    }
    table.show(rowsOf(data, text));
  }

  return {
    root: element('div', { class: 'plot-box' }, nothing, plot.root, tableBox, toggle),
    update(next, stepSeconds) {
      data = next;
      seconds = stepSeconds;
      draw();
    },
    close: plot.close,
  };
}
