import uPlot from 'uplot';
import { formatClock, formatNumber, formatWithUnit } from '../data/format.ts';
import { type PlotData, withGaps } from '../figures/plot-data.ts';
import { element } from './dom.ts';
import { createLegend, dashes } from './legend.ts';

export interface PlotOptions {
  /** What the plot shows, for screen readers. */
  label: string;
  /** The words for a time. Default: the time of day. */
  timeText?: (time: number) => string;
  /** Whether the steps are days or hours of UTC, and not times of this machine's time zone. */
  isUtc?: boolean;
}

/** A plot with its legend. Arrow keys, Home and End move the pointer from point to point, and the legend has the values there. */
export interface Plot {
  readonly root: HTMLElement;
  update(data: PlotData, stepSeconds: number): void;
  close(): void;
}

const height = 150;
const dark = matchMedia('(prefers-color-scheme: dark)');

export function createPlot({ label, timeText = formatClock, isUtc = false }: PlotOptions): Plot {
  const attributes = { tabindex: '0', role: 'slider', 'aria-label': `${label}, plot`, 'aria-valuemin': '0' };
  const canvas = element('div', { class: 'plot-canvas', attributes });
  const legend = createLegend();
  const root = element('div', { class: 'plot' }, canvas, legend.root);
  let plot: uPlot | undefined;
  let shape = '';
  let data: PlotData | undefined;
  let seconds = 10;
  /** The point at the pointer, as an index of `data.times`. */
  let chosen: number | undefined;

  function build(): void {
    plot?.destroy();
    const width = Math.max(canvas.clientWidth, 200);
    plot = new uPlot(
      optionsOf(data!.labels, canvas, { width, isUtc, range, onCursor }),
      withGaps(data!, seconds),
      canvas,
    );
    // The canvas is described by the slider around it.
    plot.root.setAttribute('aria-hidden', 'true');
  }

  const range = (): [number, number] => [data!.from / 1000, data!.to / 1000];

  function onCursor(at: number | undefined): void {
    const index = at === undefined ? -1 : data!.times.findIndex((time) => time / 1000 === at);
    choose(index < 0 ? undefined : index);
  }

  /** Shows the values of a point in the legend; those of the last one without a point. */
  function choose(index: number | undefined): void {
    chosen = index;
    const { times, values, labels, unit } = data!;
    const point = index ?? times.length - 1;
    const texts = values.map((column) => formatWithUnit(column[point] ?? null, unit));
    const time = times[point];
    legend.show(labels, texts, time === undefined ? '' : timeText(time));
    canvas.setAttribute('aria-valuemax', String(Math.max(0, times.length - 1)));
    canvas.setAttribute('aria-valuenow', String(Math.max(0, point)));
    const spoken = labels.map((name, line) => `${name} ${texts[line]}`).join(', ');
    canvas.setAttribute('aria-valuetext', time === undefined ? 'No points yet' : `${timeText(time)}: ${spoken}`);
  }

  function onKey(event: KeyboardEvent): void {
    const last = data ? data.times.length - 1 : -1;
    if (!plot || last < 0) return;
    const now = chosen ?? last;
    const steps: Record<string, number | undefined> = {
      ...{ ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1 },
      ...{ PageUp: now + 10, PageDown: now - 10, Home: 0, End: last, Escape: last },
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, next));
    const left = plot.valToPos(data!.times[index]! / 1000, 'x');
    plot.setCursor({ left, top: 0 }, false);
    choose(index);
  }

  const observer = new ResizeObserver(() => {
    const width = canvas.clientWidth;
    if (plot && width > 0 && width !== plot.width) plot.setSize({ width, height });
  });
  observer.observe(canvas);
  const onScheme = () => data && canvas.isConnected && build();
  dark.addEventListener('change', onScheme);
  canvas.addEventListener('keydown', onKey);
  canvas.addEventListener('blur', () => {
    if (!plot) return;
    plot.setCursor({ left: -10, top: -10 }, false);
    choose(undefined);
  });

  return {
    root,
    update(next, stepSeconds) {
      const time = chosen === undefined ? undefined : data?.times[chosen];
      const isSame = shape === next.labels.join();
      data = next;
      seconds = stepSeconds;
      shape = next.labels.join();
      if (plot && isSame) plot.setData(withGaps(next, stepSeconds));
      else build();
      const index = time === undefined ? -1 : next.times.indexOf(time);
      choose(index < 0 ? undefined : index);
    },
    close() {
      observer.disconnect();
      dark.removeEventListener('change', onScheme);
      plot?.destroy();
      plot = undefined;
    },
  };
}

interface Drawing {
  width: number;
  isUtc: boolean;
  /** The period in seconds. */
  range(): [number, number];
  onCursor(x: number | undefined): void;
}

function optionsOf(
  labels: readonly string[],
  place: HTMLElement,
  { width, isUtc, range, onCursor }: Drawing,
): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--grid'), width: 1 }, ticks: { show: false } };
  const font = '12px system-ui, sans-serif';
  return {
    ...{ width, height, legend: { show: false } },
    padding: [8, isUtc ? 24 : 8, 0, 0],
    ...(isUtc ? { tzDate: (time: number) => uPlot.tzDate(new Date(time * 1000), 'Etc/UTC') } : {}),
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    scales: { x: { range }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, font, space: 70, size: 26, values: isUtc ? dayTicks : clockTicks },
      { ...axis, font, size: 48, space: 36, values: (_, ticks) => ticks.map((tick) => formatNumber(tick)) },
    ],
    series: [
      {},
      ...labels.map((label, line) => ({
        ...{ label, width: 2, stroke: colour(`--line-${(line % 6) + 1}`), dash: [...dashes[line % dashes.length]!] },
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor, data }) => {
          const isOn = cursor.left !== undefined && cursor.left !== null && cursor.left >= 0;
          const x = cursor.idx === null || cursor.idx === undefined ? undefined : data[0][cursor.idx];
          onCursor(isOn ? x : undefined);
        },
      ],
    },
  };
}

const ticks = (options: Intl.DateTimeFormatOptions) => {
  const format = new Intl.DateTimeFormat('en-GB', options);
  return (_: uPlot, values: number[]) => values.map((value) => format.format(value * 1000));
};
const clockTicks = ticks({ hour: '2-digit', minute: '2-digit' });
const dayTicks = ticks({ day: 'numeric', month: 'short', timeZone: 'UTC' });
