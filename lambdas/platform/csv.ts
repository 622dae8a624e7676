import { type ColumnOption, type Options, stringify } from 'csv-stringify/sync';

/** How a page of CSV begins. */
export interface CsvStart {
  /** Whether it begins with the names of the columns. */
  header: boolean;
  /** Whether it begins with a byte order mark, from which Excel detects UTF-8. */
  bom?: boolean;
}

/**
 * One page as CSV (RFC 4180). Every field is quoted, because a spreadsheet may also split at a semicolon or a tab. A field
 * that a spreadsheet would run as a formula gets an apostrophe in front.
 *
 * @param columns the keys of the records, in their order; they are the names of the columns, too.
 */
export function csvPage(
  records: readonly object[],
  columns: readonly string[],
  { header, bom = false }: CsvStart,
): string {
  const options: Options = {
    ...{ header, bom, escape_formulas: true, record_delimiter: 'windows' },
    columns: columns.map((key): ColumnOption => ({ key, header: key })),
    // An absent value is quoted, too, like an empty text.
    ...{ quoted: true, quoted_empty: true },
  };
  return stringify([...records], options);
}
