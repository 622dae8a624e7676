import type { Access } from './access/access.ts';
import type { Config } from './config.ts';
import { createApi } from './data/api.ts';
import { openLive } from './data/live.ts';
import { Model } from './data/model.ts';
import { analyticsView } from './pages/analytics.ts';
import { nowView } from './pages/now.ts';
import { sessionView } from './pages/session.ts';
import { sessionsView } from './pages/sessions.ts';
import { signInPage } from './pages/sign-in.ts';
import { addressOf, routeOf } from './route.ts';
import { element } from './view/dom.ts';
import { loading, notice } from './view/notice.ts';
import { createShell } from './view/shell.ts';
import type { Context, View } from './view/view.ts';

/** Why a dashboard ends: the token is not accepted, has no scope of an operator, or the operator signed out. */
type Refusal = 'signed-out' | 'denied' | 'left';

/** A token that is refused sooner, in milliseconds, is not replaced by itself. */
const leastStayMillis = 10_000;

/** Shows the dashboard in an element of the page. */
export function openDashboard(app: Element, config: Config, access: Access): void {
  const alone = (content: HTMLElement) => app.replaceChildren(element('main', { class: 'alone' }, content));
  let end: (() => void) | undefined;
  let enteredAt = 0;

  /** @param message why the operator has to sign in again. */
  function signIn(message?: string): void {
    alone(signInPage(access, message, () => void enter(), signIn));
  }

  /** A running dashboard may be refused by the socket and by a request; the first one ends it. */
  function refuse(failure: Refusal): void {
    if (!end) return;
    end();
    end = undefined;
    access.forget();
    // A local stack that was started anew gives another token.
    if (failure === 'signed-out' && config.signIn.kind === 'local' && Date.now() - enteredAt > leastStayMillis) {
      void enter();
      return;
    }
    if (failure === 'signed-out') {
      signIn('The service does not accept this sign-in any more; sign in again.');
      return;
    }
    if (failure === 'left') {
      signIn();
      return;
    }
    const text =
      'This account may not see the dashboard: its token has no scope rollcall/admin. Use an account that has it.';
    const action = { label: 'Use another account', run: () => signIn() };
    alone(notice({ title: 'Not permitted', text, action, isAlert: true, isPage: true }));
  }

  async function enter(): Promise<void> {
    alone(loading('Signing in …'));
    enteredAt = Date.now();
    try {
      if ((await access.token()) === null) signIn();
      else end = run(app, config, access, refuse);
    } catch (error) {
      const action = { label: 'Try again', run: () => void enter() };
      alone(
        notice({ title: 'You are not signed in', text: (error as Error).message, action, isAlert: true, isPage: true }),
      );
    }
  }

  void enter();
}

function viewOf([name, id]: readonly string[], context: Context): View {
  if (name === 'analytics') return analyticsView(context);
  if (name !== 'sessions') return nowView(context);
  return id === undefined ? sessionsView(context) : sessionView(context, id);
}

/** @returns the function that ends it. */
function run(
  app: Element,
  { socketUrl, httpUrl, signIn }: Config,
  access: Access,
  refuse: (failure: Refusal) => void,
): () => void {
  const api = createApi(httpUrl, access.token);
  const model = new Model(api);
  const shell = createShell(signIn.kind === 'local' ? undefined : () => refuse('left'));
  let view: View | undefined;
  let shown = '';

  function draw(): void {
    const { path, query } = routeOf(location.hash);
    const context: Context = {
      ...{ api, model, query, onRefused: refuse },
      setQuery(changes) {
        for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
        history.replaceState(null, '', addressOf(path, query));
        shown = location.hash;
      },
    };
    if (shown === location.hash && view) return;
    shown = location.hash;
    const isMove = view !== undefined;
    view?.close();
    view = viewOf(path, context);
    document.title = `${view.title} · Rollcall`;
    shell.show(view.root, path.length > 0 ? `#/${path[0]}` : '#/', isMove);
    view.update?.();
  }

  const live = openLive(
    { socketUrl, httpUrl, token: access.token },
    {
      state: (state) => model.setState(state),
      figures(figures) {
        model.take(figures);
        // The service sends figures for up to a minute after the page was hidden. Nobody sees what would be read for them.
        if (!document.hidden) view?.tick?.();
      },
      resumed(isFirst) {
        void model.load();
        if (!isFirst) view?.resume?.();
      },
      failed: ({ code }) => refuse(code === 'PERMISSION_DENIED' ? 'denied' : 'signed-out'),
    },
  );
  const stop = model.subscribe(() => {
    shell.setState(model.state, model.updatedAt);
    view?.update?.();
  });
  addEventListener('hashchange', draw);
  app.replaceChildren(shell.root);
  draw();
  live.connect();
  return () => {
    removeEventListener('hashchange', draw);
    stop();
    live.close();
    view?.close();
  };
}
