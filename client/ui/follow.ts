import type { Session } from '../session-api.ts';
import type { Types, User } from '../types.ts';
import { button, type Looks, looksOf, place } from './dom.ts';
import { fill, type Words, wordsOf } from './words.ts';

export interface FollowOptions extends Looks {
  /** The element that scrolls. By default the page. */
  surface?: Element;
  words?: Partial<Words>;
}

/** Removes the notice. The method starts and stops following. */
export interface Follow {
  (): void;
  /** Lets this viewport follow the user with this id; `null` stops it. */
  follow(userId: string | null): void;
}

/** The centre of a viewport, as fractions of the scrollable width and height. */
type View = [x: number, y: number];

/** Keys of `data`: the user whom a user follows, and the viewport of a followed user. */
const leaderKey = 'rollcall.follow';
const viewKey = 'rollcall.view';

/**
 * Lets this user follow the viewport of another user, and others follow this user. The notice says who follows whom, and
 * has a button to stop. Scrolling oneself, or another tab of this user that follows somebody else, stops it too.
 *
 * While somebody follows a user, the user's viewport is in their `data`. Otherwise nothing is sent.
 *
 * @returns the function that removes it; its method `follow` starts and stops following.
 */
export function showFollow<T extends Types>(
  container: Element,
  session: Session<T>,
  options: FollowOptions = {},
): Follow {
  const page = container.ownerDocument;
  const view = page.defaultView!;
  const { surface = page.scrollingElement! } = options;
  const { nameOf, colourOf } = looksOf(options);
  const words = wordsOf(options.words);
  const told = session as unknown as Session;
  const notice = place(container, 'div', 'follow');
  const text = place(notice, 'span', 'text', { role: 'status' });
  const stopButton = button(words.unfollow, () => follow(null));
  const position = () => [surface.scrollLeft, surface.scrollTop] as const;
  const shown = () => [surface.clientWidth, surface.clientHeight] as const;
  const whole = () => [surface.scrollWidth, surface.scrollHeight] as const;
  const layout = () => `${shown()} ${whole()}`;
  let leader: string | null = null;
  let isFollowed = false;
  /** The viewport of the leader that this viewport shows, or moves to. */
  let target: string | undefined;
  /** The position after the last move by this code. If a scroll event finds another position, the user scrolled. */
  let reached = position();
  let reachedLayout = '';
  let frame = 0;

  function tell(): void {
    const share = (axis: 0 | 1) => +((position()[axis] + shown()[axis] / 2) / whole()[axis]).toFixed(5);
    told.setData({ [viewKey]: [share(0), share(1)] satisfies View });
  }

  /** Moves this viewport to the leader's; in each animation frame by a part of the remaining distance. */
  function glide(): void {
    view.cancelAnimationFrame(frame);
    const wanted = JSON.parse(target!) as View;
    const part = view.matchMedia('(prefers-reduced-motion:reduce)').matches ? 1 : 0.6;
    frame = view.requestAnimationFrame(function step() {
      if (!leader) return;
      const from = position();
      const at = (axis: 0 | 1) => from[axis] + (wanted[axis] * whole()[axis] - shown()[axis] / 2 - from[axis]) * part;
      surface.scrollTo({ left: at(0), top: at(1), behavior: 'instant' });
      note();
      if (`${reached}` !== `${from}`) frame = view.requestAnimationFrame(step);
    });
  }

  function note(): void {
    reached = position();
    reachedLayout = layout();
  }

  function follow(userId: string | null): void {
    if (userId === leader) return;
    leader = userId;
    target = undefined;
    note();
    told.setData({ [leaderKey]: userId });
    update();
  }

  function update(): void {
    const { self, others } = told.getSnapshot();
    if (!self) return;
    const followers = others.filter(({ data }) => data[leaderKey] === self.userId);
    const followed = self.data[leaderKey];
    const user = others.find(({ userId }) => userId === followed);
    // The leader left, or another tab of this user follows somebody else.
    if (leader !== user?.userId) leader = null;
    // The followed user is gone, or the page that followed was reloaded.
    if (followed && !leader && (!user || self.connections < 2)) told.setData({ [leaderKey]: null });
    const wasFollowed = isFollowed;
    isFollowed = !!followers[0];
    if (isFollowed && !wasFollowed && !page.hidden) tell();
    if (!isFollowed && self.data[viewKey]) told.setData({ [viewKey]: null });
    draw(leader ? user : undefined, followers);
  }

  function draw(user: User | undefined, followers: User[]): void {
    const sentences = user ? [fill(words.following, nameOf(user))] : [];
    if (isFollowed) sentences.push(fill(words.followers, followers.map(nameOf).join(', ')));
    const said = sentences.join(' ');
    if (text.textContent !== said) text.textContent = said;
    notice.toggleAttribute('data-quiet', !said);
    notice.style.borderColor = user ? colourOf(user) : '';
    if (user) {
      notice.append(stopButton);
      const seen = JSON.stringify(user.data[viewKey]);
      if (seen && seen !== target) {
        target = seen;
        glide();
      }
    } else stopButton.remove();
  }

  function onScroll(): void {
    const [left, top] = position();
    // If the layout changed, the browser scrolled, not the user.
    if (target && layout() !== reachedLayout) glide();
    else if (Math.hypot(left - reached[0], top - reached[1]) > 2) follow(null);
    if (isFollowed) tell();
  }

  const stop = told.subscribe(update);
  view.addEventListener('scroll', onScroll, true);
  view.addEventListener('resize', onScroll);
  update();
  const close = () => {
    follow(null);
    stop();
    view.removeEventListener('scroll', onScroll, true);
    view.removeEventListener('resize', onScroll);
    if (isFollowed) told.setData({ [viewKey]: null });
    notice.remove();
  };
  return Object.assign(close, { follow });
}
