/** Writes lines for the person who runs the stack. */
export interface Output {
  /** Steps of the start, and everything else a developer should see. */
  line(text: string): void;
  /** Whether `DEBUG` lines are wanted; asking first spares building them. */
  readonly debug: boolean;
  /** A line of a part of the stack; dropped when its level is below the wanted one. */
  log(level: LogLevel, source: string, text: string): void;
}

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

const levels: LogLevel[] = ['DEBUG', 'INFO', 'WARN', 'ERROR'];

/** @param level one of DEBUG, INFO, WARN, ERROR; anything else counts as INFO. */
export function createOutput(write: (line: string) => void, level: string | undefined): Output {
  const named = levels.indexOf(level?.trim().toUpperCase() as LogLevel);
  const threshold = named >= 0 ? named : levels.indexOf('INFO');
  return {
    line: write,
    debug: threshold === 0,
    log(lineLevel, source, text) {
      if (levels.indexOf(lineLevel) < threshold) return;
      write(`${new Date().toISOString().slice(11, 23)} ${lineLevel.padEnd(5)} ${source}  ${text}`);
    },
  };
}
