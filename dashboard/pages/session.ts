import type { Session, SessionParticipant } from '../../protocol/entities.ts';
import type { LiveSession } from '../../protocol/figures.ts';
import type { ApiError } from '../data/api.ts';
import { formatFigure, formatMoment, formatNumber, formatSeconds, unknown } from '../data/format.ts';
import { type Child, element, link } from '../view/dom.ts';
import { loading, notice } from '../view/notice.ts';
import { createTable } from '../view/table.ts';
import { createTrail } from '../view/trail.ts';
import type { Context, View } from '../view/view.ts';

/** The answer of `GET /service/sessions/{id}`. */
export interface SessionReport {
  session: Session;
  live: Pick<LiveSession, 'people' | 'online' | 'dollarsPerHour'> | null;
  participants: SessionParticipant[];
  statistics: {
    totalActivities: number;
    uniqueUsers: number;
    byType: Record<string, number>;
    byUser: { userId: string; username: string | null; count: number }[];
  };
}

/** The address has the moment of the slider once it rests for this long, in milliseconds: browsers refuse more frequent changes. */
const restMillis = 200;

/** One session: who is in it, what happens, and who was here at a time. */
export function sessionView(context: Context, id: string): View {
  const { api, query, setQuery, onRefused } = context;
  const path = `/service/sessions/${encodeURIComponent(id)}`;
  const state = element('div', { class: 'state' });
  const content = element('div', { class: 'sections' });
  const root = element('div', {}, link('← All sessions', '#/sessions', 'back'), state, content);
  const reading = new AbortController();
  let parts: ReturnType<typeof createParts> | undefined;
  let moving: ReturnType<typeof setTimeout> | undefined;
  const asked = Number(query.get('at')) || undefined;

  async function read(): Promise<void> {
    try {
      const report = await api.read<SessionReport>(path, reading.signal);
      if (!parts) {
        parts = createParts(report);
        content.replaceChildren(...parts.roots);
      }
      state.replaceChildren();
      parts.show(report);
    } catch (error) {
      if (!reading.signal.aborted) failed(error as ApiError);
    }
  }

  function failed({ failure, message }: ApiError): void {
    if (failure === 'signed-out' || failure === 'denied') {
      onRefused(failure);
      return;
    }
    const isAbsent = failure === 'absent';
    const action = isAbsent
      ? { label: 'Show all sessions', run: () => location.assign('#/sessions') }
      : { label: 'Try again', run: () => void read() };
    content.hidden = isAbsent;
    const title = isAbsent ? 'There is no such session' : 'This session cannot be read';
    state.replaceChildren(notice({ title, text: message, action, isAlert: true, isPage: isAbsent || !parts }));
  }

  function createParts({ session }: SessionReport) {
    const heading = headOf(session);
    const people = createPeople();
    const activity = createActivity();
    const onMove = (at: number) => {
      clearTimeout(moving);
      moving = setTimeout(() => setQuery({ at: String(at) }), restMillis);
    };
    const trail = createTrail({ api, sessionId: session.id, at: asked, onMove });
    return {
      roots: [heading.root, people.root, trail.root, activity.root],
      trail,
      show(report: SessionReport): void {
        heading.show(report);
        people.show(report);
        activity.show(report);
      },
    };
  }

  state.replaceChildren(loading('Reading the session …'));
  void read();
  function close(): void {
    reading.abort();
    clearTimeout(moving);
    parts?.trail.close();
  }
  function resume(): void {
    void read();
    parts?.trail.refresh();
  }
  return { title: 'Session', root, tick: () => void read(), resume, close };
}

function headOf({ metadata, key, sessionId, id, startTime, maxParticipants, isPublic }: Session) {
  const badge = element('span', { class: 'badge' });
  const facts = element('dl', { class: 'facts' });
  const title = metadata.title || key || sessionId;
  const root = element('header', { class: 'session-head' }, element('h1', {}, title, ' ', badge), facts);
  const fact = (name: string, value: Child) => element('div', {}, element('dt', {}, name), element('dd', {}, value));
  return {
    root,
    show({ session, live, participants }: SessionReport): void {
      // Until a sweep visits a session that people joined just now, how many are present is not known.
      const none = participants.length > 0 ? undefined : { people: 0, online: 0, dollarsPerHour: 0 };
      const { people = null, online = null, dollarsPerHour = null } = live ?? none ?? {};
      badge.textContent = session.status;
      badge.dataset['status'] = session.status;
      const end = session.endTime ?? Date.now();
      facts.replaceChildren(
        fact('People at the last check', `${formatNumber(people)} of at most ${formatNumber(maxParticipants)}`),
        fact('Online', formatNumber(online)),
        fact('Cost per hour', formatFigure(dollarsPerHour, 'dollars')),
        fact('Began', formatMoment(startTime)),
        fact(session.endTime ? 'Lasted' : 'Lasts', formatSeconds(Math.max(0, (end - startTime) / 1000))),
        fact('Open to', isPublic ? 'everybody' : 'invited people'),
        ...(key ? [fact('Key', key)] : []),
        fact('Name', sessionId),
        fact('Id', element('code', {}, id)),
      );
    },
  };
}

function section(title: string, ...children: Child[]): HTMLElement {
  return element('section', { class: 'section' }, element('h2', {}, title), ...children);
}

const nameOf = ({ name, userId, anonymousId }: SessionParticipant) => name ?? userId ?? anonymousId ?? unknown;

/** The name of a participant. An agent is named as one, with the user for whom it acts. */
function titleOf(participant: SessionParticipant, all: readonly SessionParticipant[]): string {
  const { kind, onBehalfOf } = participant;
  if (!kind) return nameOf(participant);
  const user = all.find(({ userId }) => userId === onBehalfOf);
  return `${nameOf(participant)} (agent${onBehalfOf ? ` on behalf of ${user ? nameOf(user) : onBehalfOf}` : ''})`;
}

function createPeople() {
  const columns = ['Name', 'Role', 'Joined', 'Last seen'];
  const table = createTable({ caption: 'Participants', columns, isNumber: () => false, quietCaption: true });
  return {
    root: section('Participants', table.root),
    show({ participants }: SessionReport): void {
      table.show(
        participants.map((participant) => [
          ...[titleOf(participant, participants), participant.role, formatMoment(participant.joinedAt)],
          participant.lastSeenAt === null ? unknown : formatMoment(participant.lastSeenAt),
        ]),
      );
    },
  };
}

function createActivity() {
  const types = createTable({ caption: 'Entries by type', columns: ['Type', 'Entries'] });
  const users = createTable({ caption: 'Most active people', columns: ['Name', 'Entries'] });
  const sum = element('p', { class: 'hint' });
  return {
    root: section('Audit trail', sum, element('div', { class: 'pair' }, types.root, users.root)),
    show({ statistics: { totalActivities, uniqueUsers, byType, byUser } }: SessionReport): void {
      sum.textContent = `${formatNumber(totalActivities)} entries of ${formatNumber(uniqueUsers)} users.`;
      types.show(Object.entries(byType).map(([type, count]) => [type, formatNumber(count)]));
      users.show(byUser.slice(0, 20).map(({ username, userId, count }) => [username ?? userId, formatNumber(count)]));
    },
  };
}
