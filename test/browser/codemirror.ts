// Two editors of one text in one page, each with its own client; bundled for `codemirror.check.test.ts`.
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { yCollab } from 'y-codemirror.next';
import { applyUpdate, Doc } from 'yjs';
import { createClient } from '../../client/index.ts';
import { createAwareness } from '../../client/yjs/index.ts';
import { joined } from '../support/joined.ts';

declare global {
  /** The address of the stack; the test sets it before this script runs. */
  var stackUrl: string;
}

const key = `text-${crypto.randomUUID()}`;

function open(user: string) {
  const token = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
  const session = createClient({ url: stackUrl, token }).open(key, { metadata: { isPublic: true } });
  const doc = new Doc();
  const text = doc.getText('text');
  const awareness = createAwareness(session, doc);
  const parent = document.body.appendChild(document.createElement('section'));
  parent.id = user;
  const start = () =>
    new EditorView({
      state: EditorState.create({
        doc: text.toString(),
        extensions: [yCollab(text, awareness, { undoManager: false })],
      }),
      parent,
    });
  return { doc, text, session, start };
}

const [ada, bob] = [open('Ada'), open('Bob')] as const;
// The application exchanges the text itself; here by a direct call.
ada.doc.on('update', (update, origin) => origin !== 'remote' && applyUpdate(bob.doc, update, 'remote'));
bob.doc.on('update', (update, origin) => origin !== 'remote' && applyUpdate(ada.doc, update, 'remote'));
ada.text.insert(0, 'The quick brown fox');
await Promise.all([ada, bob].map(({ session }) => joined(session)));

Object.assign(globalThis, { ada: ada.start(), bob: bob.start(), bobSession: bob.session });
