import type { LogLevel, Output } from '../output.ts';

interface StructuredLine {
  level?: string;
  message?: unknown;
  error?: { name?: string; message?: string };
  _aws?: unknown;
  [key: string]: unknown;
}

/** Fields of a structured log line that are not printed locally. */
const hiddenFields = new Set([
  ...['level', 'message', 'timestamp', 'service', 'cold_start', 'function_arn', 'function_memory_size'],
  ...['function_name', 'function_request_id', 'sampling_rate', 'xray_trace_id', 'error'],
]);

/**
 * Prints the output of functions: JSON log lines in a readable form, metrics only at level DEBUG, other text unchanged.
 */
export function printFunctionOutput(output: Output, functionName: string, text: string): void {
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    output.raw?.(functionName, line);
    const structured = parseLine(line);
    if (!structured) output.log('INFO', functionName, line);
    else if (structured._aws) output.log('DEBUG', functionName, `metrics ${metricsOf(structured)}`);
    else output.log(levelOf(structured.level), functionName, readable(structured));
  }
}

function parseLine(line: string): StructuredLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as StructuredLine;
  } catch {
    // A line that begins with a brace need not be JSON; then it is printed unchanged.
    return undefined;
  }
}

function readable(line: StructuredLine): string {
  const details = Object.entries(line).filter(([key, value]) => !hiddenFields.has(key) && value !== undefined);
  const fields = details.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const error = line.error?.message ? `(${line.error.name ?? 'Error'}: ${line.error.message})` : '';
  return [String(line.message ?? ''), error, ...fields].filter(Boolean).join(' ');
}

function metricsOf(line: StructuredLine): string {
  const { _aws, ...values } = line;
  return JSON.stringify(values);
}

function levelOf(level: string | undefined): LogLevel {
  if (level === 'DEBUG' || level === 'TRACE') return 'DEBUG';
  if (level === 'WARN') return 'WARN';
  return level === 'ERROR' || level === 'CRITICAL' ? 'ERROR' : 'INFO';
}
