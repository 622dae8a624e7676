import type { Status } from '../../protocol/entities.ts';
import type { Movement } from '../live/presence-state.ts';
import type { Room } from '../live/room.ts';
import { Board, type BoardCursor } from './board.ts';
import { Colours } from './colours.ts';
import { button, element } from './dom.ts';
import { Feed } from './feed.ts';
import { OwnPresence } from './own-presence.ts';
import { type Gone, People } from './people.ts';

export interface RoomScreenOptions {
  selfId: string;
  onPoint: (cursor: BoardCursor) => void;
  onChoose: (status: Status) => void;
  onDescribe: (text: string) => void;
  onCopyLink: () => void;
  onLeave: () => void;
}

const goneShown = 5;

/** The screen of a session: the plan, the users, and the user's own status and activity. */
export class RoomScreen {
  readonly root: HTMLElement;
  readonly #board: Board;
  readonly #own: OwnPresence;
  readonly #feed = new Feed();
  readonly #colours = new Colours();
  readonly #people = new People();
  readonly #title = element('h1');
  readonly #subtitle = element('p', { class: 'quiet' });
  readonly #count = element('span', { class: 'count' });
  readonly #stale = element('p', { class: 'banner', attributes: { role: 'status' } });
  #gone: Gone[] = [];

  constructor(options: RoomScreenOptions) {
    this.#board = new Board(this.#colours, options.selfId, options.onPoint);
    this.#own = new OwnPresence(options);
    this.#stale.textContent = 'You are offline. This is the last known state; it is updated when you are online again.';
    this.#stale.hidden = true;
    const heading = element('div', { class: 'room-heading' }, this.#title, this.#subtitle);
    const actions = element('div', { class: 'actions' });
    actions.append(button('Copy link', options.onCopyLink, 'button primary'), button('Leave', options.onLeave));
    const plan = element('div', { class: 'plan' }, this.#board.root);
    plan.append(
      element('p', { class: 'hint' }, 'Move over the plan to point, press to wave. Keyboard: Tab, arrow keys, Enter.'),
    );
    this.root = element(
      'main',
      { class: 'room-screen' },
      element('div', { class: 'room-bar' }, heading, actions),
      this.#stale,
      element(
        'div',
        { class: 'columns' },
        plan,
        element(
          'aside',
          { class: 'side' },
          element('section', { class: 'card' }, element('h2', {}, 'People ', this.#count), this.#people.root),
          element('section', { class: 'card' }, this.#own.root),
          element('section', { class: 'card' }, element('h2', {}, 'Joins and leaves'), this.#feed.root),
        ),
      ),
    );
  }

  update(room: Room): void {
    const { session, state, selfId } = room;
    const others = [...state.users.values()].filter(({ userId }) => userId !== selfId);
    const shown = [...state.users.values()].filter(({ status }) => status !== 'offline');
    this.#gone = this.#gone.filter(({ user }) => !state.users.has(user.userId));
    this.#title.textContent = session.metadata.title ?? session.sessionId;
    this.#subtitle.textContent = `${session.sessionId} · ${session.isPublic ? 'anyone with the link' : 'by invitation'}`;
    this.#count.textContent = String(shown.length);
    this.#people.show({ state, gone: this.#gone, selfId, ownerId: session.ownerId, colours: this.#colours });
    this.#own.show(room.chosen);
    this.#board.show(others);
  }

  moved(movement: Movement): void {
    this.#feed.add(movement, new Date());
    const { user } = movement;
    const rest = this.#gone.filter((each) => each.user.userId !== user.userId);
    this.#gone = movement.kind === 'left' ? [{ user, cause: movement.cause }, ...rest].slice(0, goneShown) : rest;
  }

  /** Shows or hides the note that the state may be out of date. */
  showStale(stale: boolean): void {
    this.#stale.hidden = !stale;
    this.root.classList.toggle('stale', stale);
  }

  stop(): void {
    this.#board.stop();
  }
}
