/** A line of a plot: its name, and its value for each x. */
export interface Line {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  title: string;
  /** What the plot shows, for readers who do not see it. */
  description: string;
  xName: string;
  yName: string;
  /** The powers of ten at which the axes begin and end. */
  x: readonly [from: number, to: number];
  y: readonly [from: number, to: number];
  /** How a value of the y axis is written. */
  label: (value: number) => string;
  lines: readonly Line[];
  /** A horizontal line with its name. */
  mark?: { y: number; name: string };
}

const [width, height] = [920, 480];
const frame = { left: 84, top: 54, right: 660, bottom: 420 };
/** Colours that are told apart on light and dark pages, also without seeing red and green; and dashes besides. */
const strokes = ['#4a6fa5', '#c0662a', '#3f8f6b', '#a8508f', '#8a7a1e', '#5b5fc7', '#b3413d', '#5d7079'];
const dashes = ['', '8 4', '2 4', '10 4 2 4', '', '8 4', '2 4', '10 4 2 4'];

/** Draws a plot with two logarithmic axes as SVG. Names of the lines stand at the right, beside the end of each line. */
export function drawPlot({ title, description, xName, yName, x, y, label, lines, mark }: Plot): string {
  const place = (value: number, [from, to]: readonly [number, number], start: number, end: number) =>
    start + ((Math.log10(value) - from) / (to - from)) * (end - start);
  const atX = (value: number) => Math.round(place(value, x, frame.left, frame.right) * 10) / 10;
  const atY = (value: number) => Math.round(place(value, y, frame.bottom, frame.top) * 10) / 10;
  const powers = ([from, to]: readonly [number, number]) =>
    Array.from({ length: to - from + 1 }, (_, step) => 10 ** (from + step));
  const names = spread(lines.map(({ points }) => atY(clamp(points.at(-1)![1], y))));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `  <title id="title">${escaped(title)}</title>`,
    `  <desc id="description">${escaped(description)}</desc>`,
    '  <style>',
    '    .page { fill: #ffffff; }',
    "    text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1b2430; }",
    '    .name { font-size: 15px; font-weight: 600; }',
    '    .grid { stroke: #d5dde6; stroke-width: 1; }',
    '    .mark { stroke: #1b2430; stroke-width: 1.5; stroke-dasharray: 4 3; }',
    '    .line { fill: none; stroke-width: 2.2; }',
    '    @media (prefers-color-scheme: dark) {',
    '      .page { fill: #12171e; }',
    '      text { fill: #e8eef5; }',
    '      .grid { stroke: #2b3642; }',
    '      .mark { stroke: #e8eef5; }',
    '      .line { filter: brightness(1.45); }',
    '    }',
    '  </style>',
    `  <rect class="page" width="${width}" height="${height}" />`,
    `  <text class="name" x="${frame.left}" y="28">${escaped(title)}</text>`,
    ...powers(x).flatMap((value) => [
      `  <line class="grid" x1="${atX(value)}" y1="${frame.top}" x2="${atX(value)}" y2="${frame.bottom}" />`,
      `  <text x="${atX(value)}" y="${frame.bottom + 20}" text-anchor="middle">${value.toLocaleString('en-US')}</text>`,
    ]),
    ...powers(y).flatMap((value) => [
      `  <line class="grid" x1="${frame.left}" y1="${atY(value)}" x2="${frame.right}" y2="${atY(value)}" />`,
      `  <text x="${frame.left - 8}" y="${atY(value) + 4}" text-anchor="end">${escaped(label(value))}</text>`,
    ]),
    `  <text x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 44}" text-anchor="middle">${escaped(xName)}</text>`,
    `  <text x="${frame.left - 70}" y="${frame.top - 8}">${escaped(yName)}</text>`,
    ...(mark
      ? [
          `  <line class="mark" x1="${frame.left}" y1="${atY(mark.y)}" x2="${frame.right}" y2="${atY(mark.y)}" />`,
          `  <text x="${frame.left + 6}" y="${atY(mark.y) - 6}">${escaped(mark.name)}</text>`,
        ]
      : []),
    ...lines.flatMap(({ name, points }, index) => {
      const path = points
        .filter(([, value]) => value >= 10 ** y[0] && value <= 10 ** y[1])
        .map(([valueX, valueY], step) => `${step === 0 ? 'M' : 'L'}${atX(valueX)} ${atY(valueY)}`);
      const [stroke, dash] = [strokes[index % strokes.length]!, dashes[index % dashes.length]!];
      const style = `stroke="${stroke}"${dash ? ` stroke-dasharray="${dash}"` : ''}`;
      return [
        ...(path.length > 1 ? [`  <path class="line" ${style} d="${path.join('')}" />`] : []),
        `  <line class="line" ${style} x1="${frame.right + 10}" y1="${names[index]! - 4}" x2="${frame.right + 44}" y2="${names[index]! - 4}" />`,
        `  <text x="${frame.right + 52}" y="${names[index]}">${escaped(name)}</text>`,
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

function clamp(value: number, [from, to]: readonly [number, number]): number {
  return Math.min(10 ** to, Math.max(10 ** from, value));
}

/** Moves names apart that would overlap. */
function spread(places: readonly number[]): number[] {
  const moved = places.map((place, index) => ({ place, index })).sort((one, other) => one.place - other.place);
  for (let next = 1; next < moved.length; next += 1) {
    moved[next]!.place = Math.max(moved[next]!.place, moved[next - 1]!.place + 19);
  }
  const over = Math.max(0, (moved.at(-1)?.place ?? 0) - frame.bottom);
  const result: number[] = [];
  for (const { place, index } of moved) result[index] = Math.round(place - over + 4);
  return result;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
