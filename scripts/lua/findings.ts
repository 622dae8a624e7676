import type { ComposedScript } from './composed-scripts.ts';

/** One line of the report of luacheck about a composed script. */
interface Warning {
  line: number;
  code: string;
  text: string;
}

interface Place {
  file: string;
  line: number;
}

/** Codes for a local variable that is never used, or only set. */
const unusedCodes = ['W211', 'W212', 'W213', 'W221', 'W231', 'W311'];
/** Codes for a local variable that hides an outer one with the same name. */
const shadowingCodes = ['W421', 'W422', 'W423', 'W431', 'W432', 'W433'];
const noFile = '<declarations>';

/** Parses the plain report of luacheck: `file:line:column-end: (W211) unused variable 'x'`. */
export function readReport(report: string): Warning[] {
  return [...report.matchAll(/^.*?:(\d+):\d+-\d+: \(([WE]\d+)\) (.*)$/gm)].map(([, line, code, text]) => ({
    line: Number(line),
    code: code!,
    text: text!,
  }));
}

/**
 * The findings of luacheck in all scripts, each once, as `file:line: (code) text`. Two kinds of findings are left out. A
 * local of a shared piece is unused only if no script uses it. And a local of a shared piece may have the name of an
 * argument. Declarations are generated for all scripts alike, so only an error in them counts.
 *
 * @param reports the report of luacheck about each script, by its name.
 */
export function findingsOf(scripts: readonly ComposedScript[], reports: ReadonlyMap<string, string>): string[] {
  const counts = new Map<string, { count: number; needed: number }>();
  for (const script of scripts) {
    for (const { line, code, text } of readReport(reports.get(script.name)!)) {
      const place = placeOf(script, line);
      if (place.file === noFile && code.startsWith('W')) continue;
      if (shadowingCodes.includes(code) && isArgument(script, text)) continue;
      const holders = scripts.filter(({ pieces }) => pieces.some(({ file }) => file === place.file)).length;
      const finding = `${place.file}:${place.line}: (${code}) ${text.replace(/ on line \d+$/, '')}`;
      const known = counts.get(finding) ?? { count: 0, needed: unusedCodes.includes(code) ? holders : 1 };
      counts.set(finding, { ...known, count: known.count + 1 });
    }
  }
  return [...counts].filter(([, { count, needed }]) => count >= needed).map(([finding]) => finding);
}

/** Whether a warning is about a local that hides a declared name. */
function isArgument(script: ComposedScript, text: string): boolean {
  const line = / on line (\d+)$/.exec(text)?.[1];
  return line !== undefined && placeOf(script, Number(line)).file === noFile;
}

/** The file and line from which a line of a composed script comes. */
function placeOf({ pieces }: ComposedScript, line: number): Place {
  let left = line;
  for (const { file, text } of pieces) {
    const lines = text.split('\n').length;
    if (left <= lines) return { file, line: left };
    left -= lines;
  }
  throw new Error(`There is no line ${line}.`);
}
