import { createElement as h, type ReactNode, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { type Client, createClient } from '../../client/index.ts';
import {
  RollcallProvider,
  SessionProvider,
  useConnection,
  useCursors,
  useOthers,
  useSelf,
} from '../../client/react/index.ts';

// Components of the React package that `react-stack.check.test.ts` mounts in a real browser. They count their renderings.

const renders: Record<string, number> = {};
let client: Client;
let root: Root | undefined;

function count(name: string): void {
  renders[name] = (renders[name] ?? 0) + 1;
}

function Others({ name = 'others' }: { name?: string }) {
  count(name);
  return h(
    'p',
    { id: name },
    useOthers((others) => others.map(({ username }) => username).join()),
  );
}
function Self() {
  count('self');
  return useSelf((user) => user?.username ?? '');
}
function Connection() {
  count('connection');
  return useConnection();
}
function Pointer() {
  count('pointer');
  return h(
    'p',
    { id: 'pointer' },
    useCursors((cursors) => String(cursors[0]?.cursor['x'] ?? '')),
  );
}

const place = (...children: ReactNode[]) => h(RollcallProvider, { client }, ...children);
const inSession = (sessionKey: string, ...children: ReactNode[]) => h(SessionProvider, { sessionKey }, ...children);

/** The pages by name; each gets the key of its session, and a number that changes when it has to be mounted again. */
const pages = {
  strict: (key: string) => h(StrictMode, null, place(inSession(key, h(Others)))),
  plain: (key: string) => place(inSession(key, h(Others))),
  selecting: (key: string) => place(inSession(key, h(Others), h(Self), h(Connection), h(Pointer))),
  nested: (key: string) => place(inSession(key, h(Others), inSession(`${key}-inner`, h(Others, { name: 'inner' })))),
  remounted: (key: string, mount: number) => place(h(SessionProvider, { sessionKey: key, key: mount }, h(Others))),
};

const page = {
  renders,
  /** Starts with a new client of this user. */
  begin(url: string, user: string): void {
    client = createClient({ url, token: async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token });
  },
  show(name: keyof typeof pages, key: string, mount = 0): void {
    root ??= createRoot(document.body.appendChild(document.createElement('main')));
    root.render(pages[name](key, mount));
  },
  leave(): void {
    root?.unmount();
    root = undefined;
  },
};

declare global {
  var reactPage: typeof page;
}
globalThis.reactPage = page;
