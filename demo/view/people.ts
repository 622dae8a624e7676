import type { Cursor, LeaveCause, PresenceUser, Status } from '../../protocol/entities.ts';
import type { PresenceState } from '../live/presence-state.ts';
import { venue } from '../venue.ts';
import type { Colours } from './colours.ts';
import { element } from './dom.ts';

/** A user who left while this page was open. */
export interface Gone {
  user: PresenceUser;
  cause: LeaveCause | undefined;
}

export interface PeopleOptions {
  state: PresenceState;
  gone: readonly Gone[];
  selfId: string;
  ownerId: string;
  colours: Colours;
}

const statusTexts = { online: 'Online', away: 'Away', offline: 'Offline' };
const order = { online: 0, away: 1, offline: 2 };

/** The list of users: those who are present, by status, then those who left. */
export class People {
  readonly root = element('ul', { class: 'people' });
  #shown = '';

  show({ state, gone, selfId, ownerId, colours }: PeopleOptions): void {
    const here = [...state.users.values()].sort(
      (one, other) => order[one.status] - order[other.status] || one.joinedAt - other.joinedAt,
    );
    const left = gone.map(({ user }): PresenceUser => ({ ...user, status: 'offline', activity: 'Left the session' }));
    const rows = [...here, ...left].map(
      ({ userId, username, status, role, connections, activity, cursor }): Row => ({
        userId,
        status,
        colour: colours.of(userId),
        initial: ([...username.trim()][0] ?? '?').toLocaleUpperCase(),
        name: userId === selfId ? `${username} (you)` : username,
        role: userId === ownerId ? 'owner' : role,
        tabs: connections,
        doing: activity ?? pointingAt(status, cursor),
      }),
    );
    // Most frames only move a cursor within a room. Then the list is not rebuilt, so that screen readers keep their
    // position.
    const text = JSON.stringify(rows);
    if (text === this.#shown) return;
    this.#shown = text;
    this.root.replaceChildren(...rows.map(rowOf));
  }
}

interface Row {
  userId: string;
  status: Status;
  colour: string;
  initial: string;
  name: string;
  role: string;
  tabs: number;
  doing: string;
}

function pointingAt(status: Status, cursor: Cursor | undefined): string {
  const item = venue.find(({ id }) => id === cursor?.eventId);
  return item && status !== 'offline' ? `At ${item.name}` : '';
}

function rowOf({ userId, status, colour, initial, name, role, tabs, doing }: Row): HTMLElement {
  const dot = element('span', { class: `dot ${status}` });
  const avatar = element('span', { class: 'avatar', attributes: { 'aria-hidden': 'true' } }, initial, dot);
  avatar.style.setProperty('--person', colour);
  const known = `${statusTexts[status]} · ${role}${tabs > 1 ? ` · ${tabs} tabs` : ''}`;
  const text = element('span', { class: 'row-text' }, element('strong', {}, name), element('small', {}, known));
  if (doing) text.append(element('small', { class: 'doing' }, doing));
  const attributes = { 'data-user': userId, 'data-status': status };
  return element('li', { class: `person ${status}`, attributes }, avatar, text);
}
