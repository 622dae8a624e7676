import { svg } from '../room/dom.ts';

const box = (kind: string, x: number, y: number, width: number, height: number, rx = 6) =>
  svg('rect', { x, y, width, height, rx, class: `picture-${kind}` });

const pointer = (kind: string, x: number, y: number) =>
  svg('path', { d: `M${x} ${y}v22l6-6h9z`, class: `picture-pointer picture-${kind}` });

const picture = (...shapes: SVGElement[]) =>
  svg('svg', { viewBox: '0 0 320 150', class: 'picture', 'aria-hidden': 'true' }, ...shapes);

/** Cards in lanes, and two pointers. */
export function boardPicture(): SVGElement {
  return picture(
    ...[14, 56, 98].map((y) => box('lane', 16, y, 288, 36)),
    box('card', 34, 19, 84, 26),
    box('card', 150, 19, 60, 26),
    box('first', 76, 61, 110, 26),
    box('card', 226, 61, 62, 26),
    box('second', 190, 103, 74, 26),
    box('card', 40, 103, 92, 26),
    pointer('first', 172, 74),
    pointer('second', 250, 116),
  );
}

/** Lines of text, and two selections. */
export function documentPicture(): SVGElement {
  const line = (y: number, width: number) => box('line', 76, y, width, 7, 3);
  return picture(
    box('lane', 52, 10, 216, 150, 10),
    box('strong', 76, 30, 92, 11, 4),
    line(56, 168),
    box('first-soft', 124, 69, 78, 17, 3),
    box('first', 202, 67, 3, 21, 1),
    line(74, 152),
    line(92, 164),
    box('second-soft', 76, 105, 52, 17, 3),
    box('second', 128, 103, 3, 21, 1),
    line(110, 120),
    line(128, 140),
  );
}
