import type { Session } from '../../protocol/entities.ts';
import { button, element, field } from './dom.ts';
import { warningIcon } from './icons.ts';

/** The first screen: the user enters a name. */
export function signInScreen(options: {
  invited: boolean;
  name: string;
  onSignIn: (name: string) => void;
}): HTMLElement {
  const input = element('input', {
    attributes: { name: 'name', required: '', maxlength: '60', autocomplete: 'given-name', placeholder: 'Alice' },
  });
  input.value = options.name;
  const submit = (event: Event) => {
    event.preventDefault();
    if (input.value.trim() !== '') options.onSignIn(input.value);
  };
  return element(
    'main',
    { class: 'narrow' },
    element('h1', {}, options.invited ? 'You are invited' : 'See who is here'),
    element(
      'p',
      { class: 'lead' },
      options.invited
        ? 'A link to a session was shared with you. Enter your name and join.'
        : 'People, pointers and activities, live. Enter your name to begin; a second tab can be another person.',
    ),
    element(
      'form',
      { class: 'card', on: { submit } },
      field('Your name', input),
      element(
        'button',
        { class: 'button primary', attributes: { type: 'submit' } },
        options.invited ? 'Join' : 'Continue',
      ),
    ),
  );
}

export interface LobbyOptions {
  onCreate: (title: string, isPublic: boolean) => void;
  onOpen: (sessionId: string) => void;
}

/** The screen to create a session or return to one. */
export function lobbyScreen({ onCreate, onOpen }: LobbyOptions): {
  screen: HTMLElement;
  list: (sessions: Session[]) => void;
} {
  const title = element('input', {
    attributes: { name: 'title', maxlength: '120', placeholder: 'Open day, planning', autocomplete: 'off' },
  });
  const open = element('input', { attributes: { type: 'checkbox', role: 'switch', name: 'public', checked: '' } });
  const submit = (event: Event) => {
    event.preventDefault();
    onCreate(title.value.trim() || 'Open day', open.checked);
  };
  const sessions = element('section', { class: 'card', attributes: { 'aria-label': 'Your sessions' } });
  sessions.append(element('h2', {}, 'Your sessions'), element('p', { class: 'quiet' }, 'Looking …'));
  const screen = element(
    'main',
    { class: 'narrow' },
    element('h1', {}, 'Start a session'),
    element('p', { class: 'lead' }, 'You get a plan to point at and a link for the others.'),
    element(
      'form',
      { class: 'card', on: { submit } },
      field('Title', title),
      element(
        'label',
        { class: 'switch' },
        open,
        element(
          'span',
          {},
          'Anyone with the link may join',
          element('small', {}, 'Off: the link carries an invitation'),
        ),
      ),
      element('button', { class: 'button primary', attributes: { type: 'submit' } }, 'Create session'),
    ),
    sessions,
  );
  const list = (found: Session[]) => {
    const active = found.filter(({ status }) => status === 'active');
    const rows = active.map((session) =>
      element(
        'li',
        {},
        element(
          'span',
          { class: 'row-text' },
          element('strong', {}, session.metadata.title ?? session.sessionId),
          element('small', {}, `${session.sessionId} · ${session.isPublic ? 'public' : 'by invitation'}`),
        ),
        button('Open', () => onOpen(session.id)),
      ),
    );
    const content =
      rows.length > 0
        ? element('ul', { class: 'rows' }, ...rows)
        : element('p', { class: 'quiet' }, 'None yet. Those you create or join are listed here.');
    sessions.replaceChildren(element('h2', {}, 'Your sessions'), content);
  };
  return { screen, list };
}

export function waitingScreen(text: string): HTMLElement {
  return element(
    'main',
    { class: 'narrow', attributes: { 'aria-busy': 'true' } },
    element(
      'p',
      { class: 'lead waiting' },
      element('span', { class: 'spinner', attributes: { 'aria-hidden': 'true' } }),
      text,
    ),
  );
}

export interface RefusalOptions {
  title: string;
  message: string;
  onHome: () => void;
  /** Present if a retry can succeed. */
  onRetry?: (() => void) | undefined;
}

/** The screen after an error: what happened, and the next step. */
export function refusalScreen({ title, message, onHome, onRetry }: RefusalOptions): HTMLElement {
  const goHome = (event: Event) => {
    event.preventDefault();
    onHome();
  };
  const home = element('a', { class: 'button primary', attributes: { href: '/' }, on: { click: goHome } }, 'Home');
  const actions = element('div', { class: 'actions' }, home);
  if (onRetry) actions.append(button('Try again', onRetry));
  return element(
    'main',
    { class: 'narrow centred' },
    element(
      'section',
      { class: 'card refusal', attributes: { role: 'alert' } },
      warningIcon(),
      element('h1', {}, title),
      element('p', {}, message),
      actions,
    ),
  );
}
