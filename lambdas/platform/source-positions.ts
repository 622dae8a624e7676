import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Origin {
  fileName: string;
  lineNumber: number;
  columnNumber: number;
}

/** The folder of the bundle. Its source maps are beside its files. */
const folder = new URL('.', import.meta.url).href;
/** The position of a stack frame in an ES module: address, line and column. */
const position = /(file:[^\s()]+\.mjs):(\d+):(\d+)/g;
/** The source maps that were read; undefined for a file without one. */
const maps = new Map<string, SourceMap | undefined>();

/**
 * Replaces the positions in the bundle by those in the source files, as `node --enable-source-maps` does. That option reads
 * all source maps when the code is loaded, which each cold start would pay for. This reads a map for the first error.
 *
 * @param stack the `stack` of an error.
 */
export function withSourcePositions(stack: string): string {
  return stack.replace(position, (whole, file: string, line: string, column: string) => {
    const origin = file.startsWith(folder) ? mapOf(file)?.findOrigin(Number(line), Number(column)) : undefined;
    const { fileName, lineNumber, columnNumber } = (origin ?? {}) as Partial<Origin>;
    return fileName ? `${new URL(fileName, file).pathname}:${lineNumber}:${columnNumber}` : whole;
  });
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(`${fileURLToPath(file)}.map`));
  return maps.get(file);
}

function readMap(path: string): SourceMap | undefined {
  return existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}
