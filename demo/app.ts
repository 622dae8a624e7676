import { RollcallError } from '../protocol/errors.ts';
import type { ServerFrame } from '../protocol/frames.ts';
import { Connection, type ConnectionState, type Welcome } from './live/connection.ts';
import { Room } from './live/room.ts';
import { fetchSessions } from './live/sessions.ts';
import { fetchToken } from './live/token.ts';
import { type Person, rememberedPerson, signIn, signOut } from './person.ts';
import { Header } from './view/header.ts';
import { Notices } from './view/notices.ts';
import { refusalTitle } from './view/refusals.ts';
import { RoomScreen } from './view/room-screen.ts';
import { lobbyScreen, refusalScreen, signInScreen, waitingScreen } from './view/screens.ts';

/** The screens of the page: sign in, choose a session, take part in it. The address of the page names the session. */
export class App {
  readonly #root: HTMLElement;
  readonly #header: Header;
  readonly #notices = new Notices();
  #person: Person | undefined;
  #connection: Connection | undefined;
  #welcome: Welcome | undefined;
  #room: Room | undefined;
  #screen: RoomScreen | undefined;
  /** Counts the attempts to enter a session, so that a late answer to an old attempt is ignored. */
  #entry = 0;
  /** Frames that arrived before the answer to a join. The room handles them when it is open. */
  #early: ServerFrame[] = [];

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#header = new Header({
      onHome: () => this.#go('/'),
      onRename: () => this.#rename(),
      onRetry: () => this.#connection?.retry(),
    });
    root.before(this.#header.root);
    root.after(this.#notices.root);
    window.addEventListener('popstate', () => this.#route());
    window.addEventListener('online', () => this.#wake());
    window.addEventListener('offline', () => void this.#connection?.check());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake();
    });
    for (const type of ['pointerdown', 'pointermove', 'keydown']) {
      window.addEventListener(type, () => this.#room?.touch(), { passive: true });
    }
  }

  start(): void {
    const person = rememberedPerson(sessionStorage);
    if (person) this.#signedIn(person);
    else this.#askName();
  }

  #askName(name = ''): void {
    const invited = new URLSearchParams(location.search).has('session');
    this.#show(signInScreen({ invited, name, onSignIn: (given) => this.#signedIn(signIn(sessionStorage, given)) }));
  }

  #rename(): void {
    const name = this.#person?.name;
    this.#leave();
    this.#connection?.close();
    this.#connection = undefined;
    this.#welcome = undefined;
    this.#person = undefined;
    signOut(sessionStorage);
    this.#header.showPerson(undefined);
    this.#askName(name);
  }

  #signedIn(person: Person): void {
    this.#person = person;
    this.#header.showPerson(person);
    this.#show(waitingScreen('Connecting …'));
    const url = new URL('/live', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#connection = new Connection({
      url: url.href,
      token: () => fetchToken(person),
      onState: (state, reason) => this.#onState(state, reason),
      onWelcome: (welcome) => this.#onWelcome(welcome),
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.#connection.open();
  }

  #onState(state: ConnectionState, reason: string | undefined): void {
    this.#header.showConnection(state, reason);
    if (state !== 'online') this.#screen?.showStale(true);
    if (reason) this.#notices.show(`${reason.replace(/\.$/, '')}.`, 'error');
  }

  #onWelcome(welcome: Welcome): void {
    const isFirst = this.#welcome === undefined;
    this.#welcome = welcome;
    if (this.#room) void this.#room.rejoin(welcome);
    else if (isFirst) this.#route();
  }

  #onFrame(frame: ServerFrame): void {
    if (frame.type === undefined) this.#notices.show('Rollcall could not handle the request; try again.', 'error');
    else if (frame.type === 'error') this.#notices.show(frame.message, 'error');
    else if (this.#room) this.#room.receive(frame);
    else this.#early.push(frame);
  }

  #wake(): void {
    if (this.#connection?.state === 'online') void this.#connection.check();
    else this.#connection?.retry();
  }

  #go(path: string): void {
    history.pushState(null, '', path);
    this.#route();
  }

  /** Shows the screen for the address of the page. */
  #route(): void {
    if (!this.#connection || !this.#welcome) return;
    const parameters = new URLSearchParams(location.search);
    const sessionId = parameters.get('session');
    if (sessionId !== null && sessionId === this.#room?.id) return;
    this.#leave();
    if (sessionId) void this.#join(sessionId, parameters.get('invite') ?? undefined);
    else void this.#lobby(this.#person!);
  }

  async #lobby(person: Person): Promise<void> {
    const { screen, list } = lobbyScreen({
      onCreate: (title, isPublic) => void this.#create(title, isPublic),
      onOpen: (sessionId) => this.#go(`/?session=${sessionId}`),
    });
    this.#show(screen);
    try {
      list(await fetchSessions(await fetchToken(person)));
    } catch (error) {
      list([]);
      this.#tell(error);
    }
  }

  async #create(title: string, isPublic: boolean): Promise<void> {
    this.#entry += 1;
    this.#early = [];
    const entry = this.#entry;
    try {
      const created = await this.#connection!.request('session_created', {
        type: 'session_create',
        operationId: 'open-day',
        metadata: { title, isPublic },
      });
      if (entry !== this.#entry) return;
      history.pushState(null, '', `/?session=${created.session.id}`);
      this.#enter(created, undefined);
    } catch (error) {
      this.#tell(error);
    }
  }

  async #join(sessionId: string, invite: string | undefined): Promise<void> {
    this.#entry += 1;
    this.#early = [];
    const entry = this.#entry;
    this.#show(waitingScreen('Joining …'));
    try {
      const message = { type: 'session_join', sessionId, ...(invite ? { invite } : {}) } as const;
      const joined = await this.#connection!.request('session_joined', message);
      if (entry === this.#entry) this.#enter(joined, invite);
    } catch (error) {
      if (entry === this.#entry) this.#refused(error);
    }
  }

  #enter(entered: ServerFrame<'session_created' | 'session_joined'>, invite: string | undefined): void {
    const screen = new RoomScreen({
      selfId: this.#welcome!.userId,
      onPoint: (cursor) => this.#room?.point(cursor),
      onChoose: (status) => void this.#attempt(() => this.#room?.choose(status)),
      onDescribe: (text) => void this.#attempt(() => this.#room?.describe(text)),
      onCopyLink: () => void this.#attempt(() => this.#copyLink()),
      onLeave: () => this.#go('/'),
    });
    this.#screen = screen;
    this.#show(screen.root);
    this.#room = new Room(this.#connection!, this.#welcome!, entered, invite, {
      changed: (room) => {
        screen.showStale(this.#connection?.state !== 'online');
        screen.update(room);
      },
      moved: (movement) => screen.moved(movement),
      ended: (error) => {
        this.#room = undefined;
        this.#refused(error);
      },
      failed: (error) => this.#tell(error),
      expiring: (expiresAt) => {
        const time = new Date(expiresAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
        this.#notices.show(`This session ends at ${time} because nobody is active; move over the plan to keep it.`);
      },
    });
    for (const frame of this.#early.splice(0)) this.#room.receive(frame);
  }

  /** Leaves the session and its screen, and tells the server if the connection is open. */
  #leave(): void {
    this.#entry += 1;
    const room = this.#room;
    this.#room = undefined;
    this.#screen?.stop();
    this.#screen = undefined;
    if (room && this.#connection?.state === 'online') void this.#attempt(() => room.leave());
    else room?.stop();
  }

  #refused(error: unknown): void {
    if (!(error instanceof RollcallError)) throw error;
    this.#screen?.stop();
    this.#screen = undefined;
    const canRetry = error.code === 'UNAVAILABLE' || error.code === 'SESSION_FULL' || error.code === 'RATE_LIMITED';
    this.#show(
      refusalScreen({
        title: refusalTitle(error.code),
        message: error.message,
        onHome: () => this.#go('/'),
        onRetry: canRetry ? () => this.#route() : undefined,
      }),
    );
  }

  async #copyLink(): Promise<void> {
    const link = await this.#room?.link(location.origin);
    if (!link) return;
    try {
      await navigator.clipboard.writeText(link);
      this.#notices.show('The link is copied; send it to the person you want to invite.');
    } catch {
      // Without permission for the clipboard, the user copies the link manually.
      window.prompt('Copy this link and send it to the person you want to invite:', link);
    }
  }

  async #attempt(action: () => Promise<void> | undefined): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#tell(error);
      if (this.#room) this.#screen?.update(this.#room);
    }
  }

  #tell(error: unknown): void {
    if (!(error instanceof RollcallError)) throw error;
    this.#notices.show(error.message, 'error');
  }

  #show(screen: HTMLElement): void {
    this.#root.replaceChildren(screen);
    screen.querySelector<HTMLInputElement>('input[required]')?.focus();
  }
}
