import type { Role } from '../../client/index.ts';
import { clockOf } from './clock.ts';
import { openDialog } from './dialog.ts';
import { button, choices, element, field } from './dom.ts';
import { roleNames, roleOf, statusWords } from './people.ts';
import type { Toasts } from './toasts.ts';
import { type DemoSession, type DemoUser, isOwner } from './types.ts';

export interface CardContext {
  session: DemoSession;
  toasts: Toasts;
  /** Begins to follow a user. */
  follow: (userId: string) => void;
}

/** Opens the card of a user: the own settings, or the actions for another user. */
export function openPersonCard(context: CardContext, user: DemoUser): void {
  const { session } = context;
  const isSelf = user.userId === session.self?.userId;
  const stops: (() => void)[] = [];
  const dialog = openDialog(isSelf ? `${user.username} (you)` : user.username, (close) =>
    isSelf ? ownCard(context, close, stops) : otherCard(context, user, close),
  );
  dialog.addEventListener('close', () => {
    for (const stop of stops) stop();
  });
}

/** Every control shows the state of the session, so it never differs from what the others see. */
function ownCard({ session, toasts }: CardContext, close: () => void, stops: (() => void)[]): HTMLElement[] {
  const options = (['online', 'away', 'offline'] as const).map((value) => ({ value, label: statusWords[value] }));
  const status = choices('Others see you as', options, (value) => session.setStatus(value));
  const attributes = { maxlength: '200', placeholder: 'Moving the workshops' };
  const doing = element('input', { attributes });
  doing.value = session.self?.activity ?? '';
  const submit = (event: Event) => {
    event.preventDefault();
    session.setActivity(doing.value.trim() || null);
    close();
  };
  const form = element(
    'form',
    { class: 'joined-field', on: { submit } },
    field('What you are doing', doing),
    element('button', { class: 'button', attributes: { type: 'submit' } }, 'Set'),
  );
  const update = () => session.self && status.show(session.self.status);
  stops.push(session.subscribe(update));
  update();
  const leave = button('Leave', () => void session.leave().then(() => location.assign('/')), 'button');
  const actions = element('div', { class: 'actions' }, leave);
  if (isOwner(session)) {
    const end = async () => {
      close();
      await session.end();
    };
    actions.append(confirmed('End for everybody', 'Really end it?', () => void toasts.attempt(end)));
  }
  return [status.root, form, actions];
}

function otherCard({ session, toasts, follow }: CardContext, user: DemoUser, close: () => void): HTMLElement[] {
  const since = clockOf(user.joinedAt);
  const facts = element(
    'p',
    { class: 'quiet' },
    `${statusWords[user.status]} · ${roleOf(session, user)} · here since ${since}`,
  );
  const startFollowing = () => {
    close();
    follow(user.userId);
  };
  const actions = element(
    'div',
    { class: 'actions' },
    button(`Follow ${user.username}`, startFollowing, 'button primary'),
  );
  const content: HTMLElement[] = [facts];
  if (user.activity) content.push(element('p', {}, user.activity));
  if (isOwner(session)) {
    const roles = (['viewer', 'commenter', 'operator'] as const).map((value) => ({ value, label: roleNames[value] }));
    const role = choices<Role>('May', roles, (value) => void toasts.attempt(() => session.setRole(user.userId, value)));
    role.show(user.role);
    const remove = async () => {
      close();
      await session.remove(user.userId);
    };
    actions.append(confirmed('Remove', 'Really remove?', () => void toasts.attempt(remove)));
    content.push(role.root);
  }
  return [...content, actions];
}

/** A button that acts only when it is pressed twice. */
function confirmed(label: string, question: string, onConfirm: () => void): HTMLButtonElement {
  const made = button(
    label,
    () => {
      if (made.textContent === question) onConfirm();
      else made.textContent = question;
    },
    'button danger',
  );
  return made;
}
