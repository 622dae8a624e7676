import type { VenueItem } from '../venue.ts';
import { svg } from './dom.ts';

type Place = readonly [x: number, y: number];

const grid = (columns: readonly number[], rows: readonly number[]): Place[] =>
  rows.flatMap((y) => columns.map((x): Place => [x, y]));

const dot = ([x, y]: Place, r = 3.4) => svg('circle', { cx: x, cy: y, r, class: 'furniture' });
const box = (x: number, y: number, width: number, height: number, className = 'furniture') =>
  svg('rect', { x, y, width, height, rx: 3, class: className });

const shapes: Record<VenueItem['drawing'], () => SVGElement[]> = {
  rows: () => [
    box(60, 14, 80, 14, 'furniture strong'),
    ...grid([46, 58, 70, 82, 94, 106, 118, 130, 142, 154], [46, 60, 74, 88]).map((place) => dot(place)),
  ],
  tables: () =>
    grid([52, 100, 148], [30, 78]).flatMap(([x, y]) => [
      dot([x, y], 9),
      ...[-1, 1].flatMap((side) => [dot([x + side * 15, y]), dot([x, y + side * 14])]),
    ]),
  stands: () =>
    grid([42, 82, 122], [24, 66]).flatMap(([x, y]) => [box(x, y, 28, 20), dot([x + 7, y + 28]), dot([x + 21, y + 28])]),
  desk: () => [box(62, 30, 76, 16, 'furniture strong'), ...grid([76, 100, 124], [20, 60]).map((place) => dot(place))],
  sofas: () => [box(56, 26, 16, 50), box(128, 26, 16, 50), dot([100, 51], 13), box(84, 84, 32, 10)],
  garden: () => [
    ...(
      [
        [48, 34],
        [152, 74],
        [78, 80],
        [128, 28],
      ] as const
    ).map((place) => dot(place, 13)),
    svg('path', { d: 'M20 92 C70 30 130 96 182 40', class: 'path' }),
  ],
};

/** The furniture in the middle of a room. It is decoration and hidden from screen readers. */
export function drawing(kind: VenueItem['drawing']): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 200 104', class: 'drawing', 'aria-hidden': 'true', preserveAspectRatio: 'xMidYMid meet' },
    ...shapes[kind](),
  );
}
