// One editor of one user in one tab; bundled for `codemirror.check.test.ts`.
import { Doc } from 'yjs';
import { createClient } from '../../client/index.ts';
import { createAwareness } from '../../client/yjs/index.ts';
import { joined } from '../support/joined.ts';

const token = async () => (await (await fetch('/dev/token?user=Cleo')).json()).token;
const session = createClient({ url: stackUrl, token }).open('text-in-tabs');
const doc = new Doc();
const awareness = createAwareness(session, doc);
awareness.setLocalStateField('cursor', { anchor: 1 });
await joined(session);

Object.assign(globalThis, { tabSession: session, tabKey: `yjs-${doc.clientID}` });
