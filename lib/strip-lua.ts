/** Strings stay as they are. The last form is in long brackets: `[[ ]]` or `[=[ ]=]`. */
const string = /(?<string>"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\[(?<level>=*)\[[\s\S]*?\]\k<level>\])/;
const longComment = /(?<longComment>--\[(?<depth>=*)\[[\s\S]*?\]\k<depth>\])/;
/** A comment with the blanks before it, blanks at the end of a line, and blanks at its beginning. */
const removed = /[ \t\r]*--(?!\[=*\[)[^\n]*|[ \t\r]+(?=\n|$)|(?<=^|\n)[ \t\r]+/;
const parts = new RegExp([string, longComment, removed].map(({ source }) => source).join('|'), 'g');

/**
 * Lua text without comments, indentation and blanks at the ends of lines. Every statement keeps its line, so an error of Redis
 * names the line of the file.
 */
export function stripLua(text: string): string {
  return text.replace(parts, (part: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as Record<'string' | 'longComment', string | undefined>;
    if (groups.string !== undefined) return part;
    // A long comment separates two words, and may have several lines.
    return groups.longComment === undefined ? '' : part.replace(/[^\n]/g, '') || ' ';
  });
}
