import { showAvatars, showFollow, showNotices, showStatus } from '../../client/ui/index.ts';
import { button, element } from './dom.ts';
import type { Room } from './enter.ts';
import { type Feed, showFeed, type Telling } from './feed.ts';
import { icon, logo } from './icons.ts';
import { createNetworkSwitch } from './network.ts';
import { showPeople } from './people.ts';
import { openPersonCard } from './person-card.ts';
import { showReactions } from './reactions.ts';
import { show } from './screens.ts';
import { openShare } from './share.ts';
import { createToasts, type Toasts } from './toasts.ts';
import { type DemoUser, isOwner } from './types.ts';

export interface ShellOptions {
  title: string;
  subtitle: string;
  /** The content of the page; the pointers of others are shown over it. */
  surface: HTMLElement;
  /** Returns the text for the page's own entries of the audit trail. */
  tell: Telling;
}

/** The parts of every room around its surface: people, invites, activity, reactions, network and notices. */
export function showShell(room: Room, options: ShellOptions): { feed: Feed; toasts: Toasts } {
  const { client, session } = room;
  const { title, subtitle, surface } = options;
  document.title = `${title} · Rollcall`;
  const toasts = createToasts();
  const select = (user: DemoUser) => openPersonCard({ session, toasts, follow: following.follow }, user);

  const faces = element('div', { class: 'faces' });
  const share = button(icon('link'), () => openShare(session), 'button primary share');
  share.append('Invite');
  const heading = element(
    'div',
    { class: 'heading' },
    element('h1', {}, title),
    element('p', { class: 'quiet' }, subtitle),
  );
  const home = element(
    'a',
    { class: 'brand', attributes: { href: '/', 'aria-label': 'Rollcall, start page' } },
    logo(),
  );
  const header = element('header', { class: 'top room-top' }, home, heading, faces, share);

  const bar = element('div', { class: 'bar' });
  const status = element('div', { class: 'status' });
  const follow = element('div', { class: 'follow' });
  const stage = element('main', { class: 'stage' }, status, follow, surface, bar);
  const people = element('section', { class: 'panel' });
  const activity = element('section', { class: 'panel' });
  const aside = element(
    'aside',
    { class: 'side', attributes: { 'aria-label': 'People and activity' } },
    people,
    activity,
  );
  const notices = element('div', { class: 'notices' });
  show(header, element('div', { class: 'room' }, stage, aside), notices, toasts.root);

  showAvatars(faces, session, { most: 6, onSelect: (user) => select(user as DemoUser) });
  showStatus(status, client);
  const following = showFollow(follow, session);
  showNotices(notices, session);
  showPeople(people, session, select);
  showReactions(bar, surface, session);
  bar.append(createNetworkSwitch(toasts));
  const feed = showFeed(activity, session, options.tell);

  session.on('error', ({ message }) => toasts.say(message));
  client.on('error', ({ message }) => toasts.say(message));
  const update = () => {
    share.hidden = !isOwner(session);
    const isOver = session.state === 'ended' || session.state === 'left';
    for (const part of [header, stage, aside]) part.inert = isOver;
    document.body.classList.toggle('over', isOver);
  };
  session.subscribe(update);
  update();
  return { feed, toasts };
}
