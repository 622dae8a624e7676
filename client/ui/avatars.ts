import type { Session } from '../session-api.ts';
import type { Types, User } from '../types.ts';
import { button, create, type Looks, looksOf, place } from './dom.ts';
import { fill, type Words, wordsOf } from './words.ts';

export interface AvatarOptions extends Looks {
  /** The largest number of avatars; further users are counted. Default 5. */
  most?: number;
  /** If set, each avatar is a button that calls it. */
  onSelect?: (user: User) => void;
  /** The address of a user's picture; by default `data.avatar`. Without a picture the initials are shown. */
  pictureOf?: (user: User) => string | undefined;
  words?: Partial<Words>;
}

/** An avatar, and what it shows. */
interface Entry {
  item: HTMLElement;
  face: HTMLElement;
  drawn?: string;
  user: User;
}

/** Shows the present users, this user first: a picture or initials, and a dot for the status. @returns the function that removes it. */
export function showAvatars<T extends Types>(
  container: Element,
  session: Session<T>,
  options: AvatarOptions = {},
): () => void {
  const { most = 5, onSelect, pictureOf = pictureIn } = options;
  const { nameOf, colourOf } = looksOf(options);
  const words = wordsOf(options.words);
  const list = place(container, 'ul', 'avatars', { 'aria-label': words.people });
  const items = new Map<string, Entry>();
  const more = create('li', {});

  function add(user: User): Entry {
    const face = onSelect ? button('', () => onSelect(entry.user)) : create('span', { role: 'img' });
    const entry: Entry = { item: create('li', {}, face), face, user };
    items.set(user.userId, entry);
    return entry;
  }

  function draw(user: User, self: User | undefined, users: readonly User[]): HTMLElement {
    const entry = items.get(user.userId) ?? add(user);
    const { face, item } = entry;
    const person = users.find(({ userId }) => userId === user.onBehalfOf);
    const name = user === self ? fill(words.you, nameOf(user)) : nameOf(user);
    const title = [
      name,
      user.kind && words.agent,
      person && fill(words.onBehalfOf, nameOf(person)),
      words.status[user.status],
      user.activity,
    ]
      .filter(Boolean)
      .join(', ');
    const picture = pictureOf(user);
    const drawn = [title, picture, colourOf(user)].join();
    entry.user = user;
    if (entry.drawn !== drawn) {
      entry.drawn = drawn;
      face.dataset['status'] = user.status;
      if (user.kind) face.dataset['kind'] = user.kind;
      face.title = title;
      face.setAttribute('aria-label', title);
      face.style.setProperty('--rollcall-colour', colourOf(user));
      face.replaceChildren(picture ? create('img', { src: picture, alt: '' }) : initialsOf(nameOf(user)));
    }
    return item;
  }

  function update(): void {
    const { self, others, isStale } = session.getSnapshot() as {
      self?: User;
      others: readonly User[];
      isStale: boolean;
    };
    const users = self ? [self, ...others] : others;
    const shown = users.slice(0, users.length > most ? most - 1 : most);
    const wanted = shown.map((user) => draw(user, self, users));
    const rest = users.length - shown.length;
    if (rest) {
      const label = fill(words.more, rest);
      more.replaceChildren(create('span', { role: 'img', title: label, 'data-status': 'more' }, `+${rest}`));
      wanted.push(more);
    }
    for (const [userId, { user }] of items) if (!shown.includes(user)) items.delete(userId);
    // Elements that are already in place are not moved, so that they keep the focus.
    for (const child of [...list.children]) if (!wanted.includes(child as HTMLElement)) child.remove();
    for (const [index, item] of wanted.entries()) {
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    }
    list.toggleAttribute('data-stale', isStale);
  }

  update();
  const stop = session.subscribe(update);
  return () => {
    stop();
    list.remove();
  };
}

const pictureIn = ({ data }: User) => (typeof data['avatar'] === 'string' ? data['avatar'] : undefined);

/** The first letters of the first and the last word of a name. */
function initialsOf(name: string): string {
  const letters = [...(name.match(/(?<!\S)\S/gu) ?? [])];
  return [letters.shift(), letters.pop()].join('').toUpperCase();
}
