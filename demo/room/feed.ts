import type { ActivityItem } from '../../client/index.ts';
import { english } from '../../client/ui/index.ts';
import { clockOf } from './clock.ts';
import { element } from './dom.ts';
import type { DemoSession } from './types.ts';

const mostShown = 40;

/** One line of the feed: a user and their action. */
export interface FeedLine {
  who: string;
  did: string;
  at: number;
}

/** The text for an entry of the audit trail; undefined if the feed does not show it. */
export type Telling = (item: ActivityItem) => string | undefined;

const told: Record<string, string> = {
  user_joined: 'joined',
  user_left: 'left',
  user_timeout: 'lost the connection',
  session_created: 'opened this room',
  session_recovered: 'brought this room back',
  invite_created: 'made an invitation',
  guest_signed_in: 'signed in',
  participant_removed: 'removed somebody',
  participant_role_changed: 'changed a role',
};

export interface Feed {
  /** Adds an action of this user. The service sends it only to the others. */
  add(line: FeedLine): void;
  stop(): void;
}

/**
 * Shows the activity of the session, the newest first: the entries of the audit trail, and then new ones as they arrive.
 *
 * @param tell returns the text for the entries of this page.
 */
export function showFeed(container: HTMLElement, session: DemoSession, tell: Telling): Feed {
  const list = element('ol', { class: 'feed' });
  const empty = element('p', { class: 'quiet' }, 'Nothing happened yet.');
  container.append(element('h2', {}, 'Activity'), list, empty);

  function row({ who, did, at }: FeedLine): HTMLElement {
    const time = element('time', { attributes: { datetime: new Date(at).toISOString() } }, clockOf(at));
    return element('li', {}, time, element('span', {}, element('strong', {}, who), ` ${did}`));
  }
  function add(line: FeedLine): void {
    list.prepend(row(line));
    while (list.children.length > mostShown) list.lastElementChild!.remove();
    empty.hidden = true;
  }
  function lineOf(item: ActivityItem): FeedLine | undefined {
    const did = tell(item) ?? told[item.activityType];
    return did === undefined ? undefined : { who: item.username ?? 'Rollcall', did, at: item.createdAt };
  }
  async function load(): Promise<void> {
    const { items } = await session.queryActivity({ limit: mostShown });
    // Entries that arrived through the listeners are shown already.
    const past = items.filter(({ createdAt }) => createdAt < begunAt);
    const lines = past.map(lineOf).filter((line) => line !== undefined);
    list.append(...lines.map(row));
    empty.hidden = list.children.length > 0;
  }

  const now = () => Date.now();
  const begunAt = now();
  const stops = [
    session.on('joined', ({ user }) => add({ who: user.username, did: 'joined', at: now() })),
    session.on('left', ({ user, cause }) => {
      const sentence = english.left[user.kind ? 'left' : ((cause ?? 'unknown') as keyof typeof english.left)]
        .replace('{name} ', '')
        .replace(/\.$/, '');
      add({ who: user.username, did: sentence, at: now() });
    }),
    session.on('activity', (item) => {
      const line = lineOf(item);
      if (line) add(line);
    }),
  ];
  // If the past cannot be read, the feed begins now.
  load().catch((error: Error) => console.info('Earlier activity could not be loaded.', error.message));
  return {
    add,
    stop() {
      for (const stop of stops) stop();
    },
  };
}
