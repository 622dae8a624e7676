import type { ChainFault } from '../../client/verify/index.ts';

/** The sentences of the command about faults of a link. */
export const sentences: Record<ChainFault, string> = {
  entry_altered: 'was changed after it was written',
  entry_missing: 'was deleted',
  entry_added: 'was not written by Rollcall',
  entry_moved: 'stands at another place',
  link_missing: 'is missing',
  link_moved: 'does not follow the link before it',
  proof_forged: 'has a proof that no trusted key signed',
};

/** Names a link, and its entry if it is known. */
export function where({ sequence, activityId }: { sequence: number | null; activityId: string | null }): string {
  return `${sequence === null ? '' : `link ${sequence} `}${activityId === null ? '' : `(entry ${activityId}) `}`;
}
