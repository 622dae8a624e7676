/** Formats a time of the day, such as `09:41`. @param at Unix milliseconds. */
export function clockOf(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}
