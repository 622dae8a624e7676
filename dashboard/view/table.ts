import { type Child, element } from './dom.ts';

export interface TableOptions {
  caption: string;
  columns: readonly string[];
  /** The columns with numbers, which are aligned at their ends. Default: all but the first. */
  isNumber?: (column: number) => boolean;
  /** Hides the caption from sight, if a heading says the same. */
  quietCaption?: boolean;
}

/** A table whose rows can be replaced. It scrolls sideways on a narrow screen, also by keyboard. */
export function createTable({ caption, columns, isNumber = (column) => column > 0, quietCaption }: TableOptions) {
  const body = element('tbody');
  const cellClass = (column: number) => (isNumber(column) ? 'number' : '');
  const heads = columns.map((name, column) =>
    element('th', { class: cellClass(column), attributes: { scope: 'col' } }, name),
  );
  const table = element(
    'table',
    {},
    element('caption', { class: quietCaption ? 'quiet-caption' : '' }, caption),
    element('thead', {}, element('tr', {}, ...heads)),
    body,
  );
  const attributes = { tabindex: '0', role: 'region', 'aria-label': `${caption}, table` };
  return {
    root: element('div', { class: 'table-box', attributes }, table),
    heads,
    show(rows: readonly (readonly Child[])[]): void {
      body.replaceChildren(
        ...rows.map((cells) => {
          const [first, ...others] = cells.map((cell, column) => {
            const attributes: Record<string, string> = column === 0 ? { scope: 'row' } : {};
            return element(column === 0 ? 'th' : 'td', { class: cellClass(column), attributes }, cell);
          });
          return element('tr', {}, first!, ...others);
        }),
      );
    },
  };
}
