import { EditorState, StateEffect } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import { createAwareness } from '../../client/yjs/index.ts';
import { element } from '../room/dom.ts';
import { enterRoom } from '../room/enter.ts';
import { showShell } from '../room/shell.ts';
import { mayEdit } from '../room/types.ts';
import { firstText } from './first-text.ts';
import { createDoc, syncText } from './text-sync.ts';

const room = await enterRoom('Invitation to the open day');
const { session } = room;
const { doc, text } = createDoc(firstText);
const paper = element('div', { class: 'paper' });
const desk = element('div', { class: 'desk' }, paper);
const readOnly = element('p', { class: 'read-only' }, 'You can only read. The owner can let you edit.');
desk.prepend(readOnly);

showShell(room, {
  title: 'Invitation to the open day',
  subtitle: 'Write together. Everybody sees what you select.',
  surface: desk,
  tell: () => undefined,
});
syncText(session, doc, text, `rollcall.text.${room.key}`);
const awareness = createAwareness(session, doc);

const extensions = () => [
  EditorState.readOnly.of(!mayEdit(session)),
  EditorView.editable.of(mayEdit(session)),
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({ 'aria-label': 'Text of the invitation', 'aria-multiline': 'true', tabindex: '0' }),
  placeholder('Nothing is written yet.'),
  keymap.of(yUndoManagerKeymap),
  yCollab(text, awareness),
];
const editor = new EditorView({
  state: EditorState.create({ doc: text.toString(), extensions: extensions() }),
  parent: paper,
});

let couldEdit: boolean | undefined;
function onChange(): void {
  const canEdit = mayEdit(session);
  if (canEdit === couldEdit) return;
  if (couldEdit !== undefined) editor.dispatch({ effects: StateEffect.reconfigure.of(extensions()) });
  couldEdit = canEdit;
  readOnly.hidden = canEdit;
}
session.subscribe(onChange);
onChange();
