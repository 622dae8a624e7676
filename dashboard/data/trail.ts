import type { CheckpointProof } from '../../protocol/audit-checkpoint.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import type { Api } from './api.ts';

interface Page<Item> {
  items: Item[];
  next?: string | number;
}

const pageSize = 500;

/** Reads the audit trail of a session, and the proofs of its checkpoints. */
export function createTrailReader({ read }: Api, sessionId: string) {
  const page = <Item>(part: string, query: object) => {
    const parameters = Object.entries(query).map(([name, value]) => [name, String(value)]);
    return read<Page<Item>>(`/sessions/${sessionId}/${part}?${new URLSearchParams(parameters)}`);
  };
  return {
    /** A page of entries, newest first. @throws ApiError */
    queryActivity: (query: { limit: number; before?: string }) =>
      page<ActivityItem>('activity', query) as Promise<{ items: ActivityItem[]; next?: string }>,

    /** All proofs. @throws ApiError */
    async proofs(): Promise<CheckpointProof[]> {
      const all: CheckpointProof[] = [];
      let next: string | number | undefined;
      do {
        const before = next === undefined ? {} : { before: next };
        const read = await page<CheckpointProof>('checkpoints', { limit: pageSize, ...before });
        all.push(...read.items);
        next = read.next;
      } while (next !== undefined);
      return all;
    },
  };
}
