/** The entries of the audit trail that a refused message of each type leaves; other refusals leave none. */
export const recordedRefusals: Record<string, string[]> = {
  session_end: ['session_end_refused'],
  activity_log: ['activity_refused'],
};
