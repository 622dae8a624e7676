import type { Role } from '../../client/index.ts';
import { colourOf } from '../../client/ui/index.ts';
import { button, element } from './dom.ts';
import type { DemoSession, DemoUser } from './types.ts';

export const statusWords = { online: 'Online', away: 'Away', offline: 'Invisible' } as const;
/** The words for the roles. */
export const roleNames: Record<Role, string> = { viewer: 'Watch', commenter: 'Comment', operator: 'Edit' };
const roleWords = { viewer: 'watches', commenter: 'comments', operator: 'edits' } as const;

/** A word for what a user may do. */
export function roleOf(session: DemoSession, user: DemoUser): string {
  return user.userId === session.info?.ownerId ? 'owner' : roleWords[user.role];
}

/** The list of present users: name, status, role and activity text. A click opens the card of a user. */
export function showPeople(
  container: HTMLElement,
  session: DemoSession,
  onSelect: (user: DemoUser) => void,
): () => void {
  const count = element('span', { class: 'count' });
  const list = element('ul', { class: 'people' });
  const hint = element('p', { class: 'quiet' }, 'You are alone. Invite somebody, or open the link in a second tab.');
  container.append(element('h2', {}, 'People ', count), list, hint);
  const rows = new Map<string, ReturnType<typeof createRow>>();

  function createRow() {
    const name = element('strong');
    const state = element('small');
    const doing = element('span', { class: 'doing' });
    const face = element('span', { class: 'face', attributes: { 'aria-hidden': 'true' } });
    const row = { user: undefined as DemoUser | undefined, name, state, doing, face };
    const select = button(face, () => row.user && onSelect(row.user), 'person');
    select.append(element('span', { class: 'person-text' }, name, state, doing));
    return { ...row, row, select, item: element('li', {}, select) };
  }

  function update(): void {
    const { self, others } = session;
    const users = self ? [self, ...others] : others;
    count.textContent = String(users.length);
    hint.hidden = users.length > 1;
    for (const [index, user] of users.entries()) {
      const { row, item, select } = rows.get(user.userId) ?? createRow();
      if (!row.user) rows.set(user.userId, { ...row, row, item, select });
      row.user = user;
      row.name.textContent = user === self ? `${user.username} (you)` : user.username;
      row.state.textContent = `${statusWords[user.status]} · ${roleOf(session, user)}${tabsOf(user)}`;
      row.doing.textContent = user.activity ?? '';
      row.face.textContent = [...user.username][0]?.toUpperCase() ?? '';
      row.face.style.setProperty('--person', colourOf(user));
      select.dataset['status'] = user.status;
      select.dataset['user'] = user.userId;
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    }
    for (const [userId, { item }] of rows) {
      if (users.some((user) => user.userId === userId)) continue;
      item.remove();
      rows.delete(userId);
    }
    list.classList.toggle('stale', session.state === 'stale');
  }
  update();
  return session.subscribe(update);
}

const tabsOf = ({ connections }: DemoUser) => (connections > 1 ? ` · ${connections} tabs` : '');
