/**
 * Reads a time: `14:05` or `14:05:30` of today, ISO 8601 with or without a zone, or Unix milliseconds. Without a zone it is
 * the time of this machine.
 *
 * @param now Unix milliseconds.
 * @returns Unix milliseconds.
 * @throws Error with one sentence for anything else.
 */
export function parseTime(text: string, now: number): number {
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (hours !== undefined && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60) {
    return new Date(now).setHours(Number(hours), Number(minutes), Number(seconds), 0);
  }
  if (/^\d{5,16}$/.test(text)) return Number(text);
  const parsed = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(parsed)) return parsed;
  throw new Error(`The time "${text}" is not known; write 14:05, 2026-01-31T14:05:00Z or Unix milliseconds.`);
}
