import { svg } from './dom.ts';

const strokes = { fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round' };

export function warningIcon(): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 48 48', width: 56, height: 56, class: 'warning-icon', role: 'img', 'aria-label': 'Warning' },
    svg('path', { d: 'M24 6 L44 41 H4 Z', ...strokes, 'stroke-width': 3, 'stroke-linejoin': 'round' }),
    svg('path', { d: 'M24 19 V29', ...strokes, 'stroke-width': 3.5 }),
    svg('circle', { cx: 24, cy: 35, r: 2.2, fill: 'currentColor' }),
  );
}

/** The logo: three people, one of them present. */
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

export function pointerIcon(): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 20 22', width: 20, height: 22, 'aria-hidden': 'true', class: 'pointer' },
    svg('path', { d: 'M2 2 L17.5 9.6 L10.4 11.9 L7.2 19 Z', 'stroke-linejoin': 'round' }),
  );
}
