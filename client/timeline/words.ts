/** All texts of the timeline; an application can pass another language. `{name}` is replaced. */
export interface TimelineWords {
  title: string;
  moment: string;
  nobody: string;
  onePerson: string;
  people: string;
  /** The name of an agent. */
  agent: string;
  reading: string;
  failed: string;
  retry: string;
  /** If there are more entries than `most`. */
  partly: string;
  /** The causes of an end. A cause without a text is shown with spaces for its underscores. */
  causes: Record<string, string>;
  here: string;
  /** The heads of the columns of stays, and of the columns of entries. */
  stay: [name: string, from: string, until: string, cause: string, lastSign: string, entry: string];
  row: [number: string, time: string, name: string, type: string, state: string];
  stays: string;
  rows: string;
  broken: string;
  /** By the fault or the state of a row. */
  states: Record<string, string>;
}

/** The default texts. */
export const english: TimelineWords = {
  title: 'Who was here',
  moment: 'Moment',
  nobody: '{time} — nobody',
  onePerson: '{time} — 1 person: {names}',
  people: '{time} — {number} people: {names}',
  agent: '{name} (agent)',
  reading: 'Reading the audit trail …',
  failed: 'The audit trail cannot be read.',
  retry: 'Try again',
  partly: 'Only the latest {number} entries are shown. Users who joined before them may be missing.',
  causes: { timeout: 'timed out', gone: 'unreachable', agent_ended: 'ended by its program' },
  here: 'still here',
  stay: ['Name', 'From', 'Until', 'Cause', 'Last sign of life', 'Entry'],
  row: ['Number', 'Time', 'Name', 'Type', 'Proof'],
  stays: 'Stays as a table',
  rows: 'Audit trail as a table',
  broken: 'Entry {number} was {state}. No entry after it is proved.',
  states: {
    entry_altered: 'changed after it was written',
    entry_missing: 'removed after it was written',
    link_missing: 'removed after it was written',
    entry_added: 'added without a place in the chain',
    entry_moved: 'moved after it was written',
    link_moved: 'put in another place of the chain',
    proof_forged: 'signed by nobody you trust',
    proved: 'proved',
    unproved: 'not proved',
    waiting: 'not sealed yet',
    unchecked: 'checked only by who may see addresses',
  },
};
