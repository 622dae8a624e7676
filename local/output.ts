/** Writes lines for the developer who runs the stack. */
export interface Output {
  /** Writes a line at every log level, for example a step of the start. */
  line(text: string): void;
  /** Whether `DEBUG` lines are printed. Callers check it before they build an expensive line. */
  readonly debug: boolean;
  /** Writes a line of one part of the stack, unless its level is below the chosen one. */
  log(level: LogLevel, source: string, text: string): void;
  /** Receives each line of a function as it is. */
  raw?: ((functionName: string, line: string) => void) | undefined;
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
