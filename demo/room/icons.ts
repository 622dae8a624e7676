import { svg } from './dom.ts';

const strokes = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': 2,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
};

const paths = {
  heart: 'M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.2a4.3 4.3 0 0 1 7.5 2.6C19.5 15.4 12 20 12 20Z',
  star: 'm12 3.5 2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8Z',
  thumb:
    'M7.5 11 11 4.2c1.5 0 2.4 1 2.1 2.6L12.6 9.5h5.2a1.9 1.9 0 0 1 1.9 2.3l-1.2 6a2 2 0 0 1-2 1.7H7.5ZM4 11h3.5v8.5H4Z',
  bolt: 'M13 3 5.5 13.5h5L10 21l8-11h-5.5Z',
  question: 'M8.7 9a3.3 3.3 0 1 1 5.2 2.7c-1.1.8-1.9 1.4-1.9 2.8M12 18.3v.2',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.6-5.6l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.6 5.6l1-1',
  network: 'M4 10a12 12 0 0 1 16 0M7 13.5a7.5 7.5 0 0 1 10 0M10 17a3 3 0 0 1 4 0',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.2M18 14.5c2.2.8 3.5 2.6 3.5 5.5',
  close: 'M6 6l12 12M18 6 6 18',
  tray: 'M4 13h4.5l1.5 3h4l1.5-3H20M4 13l2.5-7h11L20 13v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1Z',
} as const;

export type IconName = keyof typeof paths;

/** A decorative icon, hidden from screen readers. */
export function icon(name: IconName, size = 20): SVGElement {
  const attributes = { viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', class: `icon ${name}` };
  return svg('svg', attributes, svg('path', { d: paths[name], ...strokes }));
}

export function warningIcon(): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 48 48', width: 56, height: 56, class: 'warning-icon', role: 'img', 'aria-label': 'Warning' },
    svg('path', { d: 'M24 6 L44 41 H4 Z', ...strokes, 'stroke-width': 3 }),
    svg('path', { d: 'M24 19 V29', ...strokes, 'stroke-width': 3.5 }),
    svg('circle', { cx: 24, cy: 35, r: 2.2, fill: 'currentColor' }),
  );
}

/** The logo: three people, one of whom is present. */
export function logo(): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 32 32', width: 28, height: 28, 'aria-hidden': 'true', class: 'logo' },
    svg('rect', { x: 1, y: 1, width: 30, height: 30, rx: 9, class: 'logo-ground' }),
    svg('circle', { cx: 9.5, cy: 16, r: 3, class: 'logo-dim' }),
    svg('circle', { cx: 22.5, cy: 16, r: 3, class: 'logo-dim' }),
    svg('circle', { cx: 16, cy: 16, r: 4.5, class: 'logo-lit' }),
  );
}
