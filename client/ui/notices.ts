import type { RollcallError } from '../errors.ts';
import type { Session } from '../session-api.ts';
import type { Types } from '../types.ts';
import { button, create, drawing, type Looks, looksOf, place } from './dom.ts';
import { fill, type Words, wordsOf } from './words.ts';

export interface NoticeOptions extends Looks {
  /** The address of the link on the card of an ended session. Default `/`. */
  home?: string;
  /** How long a leave is shown, in milliseconds. Default 6,000. */
  leaveMillis?: number;
  words?: Partial<Words>;
}

const warning = 'M12 3 2 21h20zM12 10v5M12 18v.5';

/**
 * Shows who left and why, a warning before the session expires, and a card with the next steps when the session has ended for
 * this user.
 *
 * @returns the function that removes it.
 */
export function showNotices<T extends Types>(
  container: Element,
  session: Session<T>,
  options: NoticeOptions = {},
): () => void {
  const { home = '/', leaveMillis = 6000 } = options;
  const { nameOf } = looksOf(options);
  const words = wordsOf(options.words);
  const told = session as unknown as Session;
  const area = place(container, 'div', 'notices', { role: 'log' });
  let card: HTMLElement | undefined;
  let hint: HTMLElement | undefined;

  function say(sentence: string, millis?: number): HTMLElement {
    const line = create('p', {}, sentence);
    area.append(line);
    if (millis !== undefined) setTimeout(() => line.remove(), millis);
    return line;
  }

  function over(title: string, detail: string, mayRecover: boolean): void {
    hint?.remove();
    card?.remove();
    const ways = create('footer', {}, create('a', { href: home }, words.home));
    if (mayRecover) ways.prepend(button(words.recover, recover));
    const heading = create('h2', {}, title);
    card = create('section', { role: 'alert' }, drawing('0 0 24 24', warning), heading, create('p', {}, detail), ways);
    area.append(card);
  }

  function recover(): void {
    told.recover().catch(({ message }: RollcallError) => card?.append(create('p', { role: 'status' }, message)));
  }

  const isOwner = () => told.info !== undefined && told.info.ownerId === told.self?.userId;
  const stops = [
    told.on('left', ({ user, cause }) =>
      // Why an agent left is no matter of people.
      say(fill(words.left[(cause ?? 'unknown') as 'left'] ?? words.left.left, nameOf(user)), leaveMillis),
    ),
    told.on('expiring', () => {
      hint?.remove();
      hint = say(words.expiring);
    }),
    told.on('expired', () => over(words.expired, words.expiredDetail, isOwner())),
    told.on('ended', () => over(words.ended, words.over, false)),
    told.on('removed', ({ reason }) => over(words.removed, reason || words.over, false)),
    told.on('state', (state) => {
      if (state === 'joined') card?.remove();
    }),
    // A participant was active, so the session does not expire.
    told.on('updated', () => hint?.remove()),
  ];
  return () => {
    for (const stop of stops) stop();
    area.remove();
  };
}
