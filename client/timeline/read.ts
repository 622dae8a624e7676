import type { ActivityItem } from '../../protocol/entities.ts';

/** What the timeline reads: a joined session, or any other reader of one session's audit trail in pages, newest entries first. */
export interface TimelineSource {
  /** A page of entries. @param query `before` is the `next` of the previous page. */
  queryActivity(query: { limit: number; before?: string }): Promise<{ items: ActivityItem[]; next?: string }>;
}

type JoiningSession = TimelineSource & { readonly ready: Promise<unknown> };

/** Reads a session's audit trail as soon as the session is joined. A component may be drawn before. */
export const onceJoined = (session: JoiningSession): TimelineSource => ({
  // After a failure `ready` is another promise.
  queryActivity: (query) => session.ready.then(() => session.queryActivity(query)),
});

/** Reads the latest entries, newest first. */
export async function readTrail(source: TimelineSource, most: number) {
  const entries: ActivityItem[] = [];
  let next: string | undefined;
  do {
    const limit = Math.min(500, most - entries.length);
    const page = await source.queryActivity({ limit, ...(next !== undefined && { before: next }) });
    entries.push(...page.items);
    next = page.next;
  } while (next !== undefined && entries.length < most);
  return { entries, isComplete: next === undefined };
}
