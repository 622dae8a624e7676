import { element, field } from '../room/dom.ts';
import { newAddress } from '../room/enter.ts';
import { accountOf, rememberedPerson, rememberPerson } from '../room/person.ts';
import { plainHeader, show } from '../room/screens.ts';
import { boardPicture, documentPicture } from './pictures.ts';

const kinds = {
  board: { title: 'Plan together', about: 'A board: move cards, point at a timeline, react.', picture: boardPicture },
  document: {
    title: 'Write together',
    about: 'A text: see who is where and what they select.',
    picture: documentPicture,
  },
};
type Kind = keyof typeof kinds;

const attributes = { required: '', maxlength: '40', autocomplete: 'given-name', placeholder: 'Ada', name: 'name' };
const name = element('input', { attributes });
name.value = rememberedPerson()?.name ?? '';
const invitedOnly = element('input', { attributes: { type: 'checkbox' } });

function open(event: Event): void {
  event.preventDefault();
  const typed = name.value.trim();
  const kind = (event as SubmitEvent).submitter?.getAttribute('value') as Kind | undefined;
  if (!typed || !kind) return;
  // A tab keeps its account if its user takes another name.
  const { user } = rememberedPerson() ?? {};
  rememberPerson(user ? { name: typed, user } : accountOf(typed));
  location.assign(newAddress(kind, invitedOnly.checked));
}

const doors = (Object.keys(kinds) as Kind[]).map((kind) => {
  const { title, about, picture } = kinds[kind];
  const text = element('span', { class: 'door-text' }, element('strong', {}, title), element('span', {}, about));
  return element('button', { class: 'door', attributes: { type: 'submit', value: kind } }, picture(), text);
});

show(
  plainHeader(),
  element(
    'main',
    { class: 'start' },
    element('h1', {}, 'See who is here, where they point and what they do'),
    element('p', { class: 'lead' }, 'Open a room, then open its link in a second tab: each tab is another person.'),
    element(
      'form',
      { class: 'start-form', on: { submit: open } },
      field('Your name', name),
      element('div', { class: 'doors' }, ...doors),
      element('label', { class: 'check' }, invitedOnly, 'Only people whom I invite may join'),
    ),
  ),
);
