import { createClient, type RollcallError } from '../../client/index.ts';
import { accountOf, fetchToken, mayBeGuest, type Person, rememberedPerson, rememberPerson } from './person.ts';
import { nameScreen, plainHeader, refusalScreen, show, waitingScreen } from './screens.ts';
import type { DemoClient, DemoSession, DemoTypes } from './types.ts';

/** The content of the address of a room: the key of its session, and an invite. */
interface Address {
  key: string;
  invite: string | undefined;
  /** Whether the session is only for invited users, if this page creates it. */
  isPrivate: boolean;
}

export interface Room {
  key: string;
  client: DemoClient;
  session: DemoSession;
}

/** A new address for a room of this kind. */
export function newAddress(kind: 'board' | 'document', isPrivate: boolean): string {
  const key = `${kind}-${crypto.randomUUID().slice(0, 13)}`;
  return `/${kind}?${new URLSearchParams({ key, ...(isPrivate && { private: '1' }) })}`;
}

function readAddress(): Address | undefined {
  const query = new URLSearchParams(location.search);
  const key = query.get('key');
  if (!key) return undefined;
  return { key, invite: query.get('invite') ?? undefined, isPrivate: query.has('private') };
}

/**
 * Brings the user into the room of the address: asks for a name, connects and joins. Meanwhile it shows the progress, or why
 * the user cannot join.
 *
 * @param title the title of the session, if this page creates it.
 * @returns when the session is joined.
 */
export async function enterRoom(title: string): Promise<Room> {
  const address = readAddress();
  if (!address) {
    location.replace('/');
    return new Promise(() => {});
  }
  const person = await personFor(address, title);
  show(plainHeader(), waitingScreen('Joining …'));
  const client = createClient<DemoTypes>({ url: liveUrl(), ...credentials(person, address) });
  const metadata = { title, isPublic: !address.isPrivate };
  for (;;) {
    const session = client.open(address.key, { metadata, ...(address.invite && { invite: address.invite }) });
    try {
      await untilJoined(session, client);
      return { key: address.key, client, session };
    } catch (error) {
      await refused(error as RollcallError, client);
    }
  }
}

async function personFor({ invite }: Address, title: string): Promise<Person> {
  const known = rememberedPerson();
  if (known) {
    if (!known.user) void mayBeGuest();
    return known;
  }
  const name = await new Promise<string>((resolve) => {
    const lead = invite ? 'You are invited. Enter your name to join.' : 'Enter your name. Others see it.';
    show(plainHeader(), nameScreen({ title, lead, action: 'Join', onName: resolve }));
  });
  // An expired invite lets no guest in. A user with an account is told the reason by the service.
  const isGuest = invite && !hasExpired(invite) && (await mayBeGuest());
  return rememberPerson(isGuest ? { name } : accountOf(name));
}

function credentials(person: Person, { invite }: Address) {
  return person.user ? { token: () => fetchToken(person) } : { invite: invite ?? '', guestName: person.name };
}

/** The payload of an invite. It is a JSON Web Signature, so anybody can read it. */
function hasExpired(invite: string): boolean {
  try {
    const { expiresAt } = JSON.parse(atob(invite.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')));
    return expiresAt <= Date.now();
  } catch {
    // This is not an invite; the service refuses it.
    return true;
  }
}

/** Waits for the join. If the service cannot be reached, the page says so while the client keeps trying. */
async function untilJoined(session: DemoSession, client: DemoClient): Promise<void> {
  for (;;) {
    try {
      return await session.ready;
    } catch (error) {
      if (session.state === 'left' || session.state === 'ended') throw error;
      const { code, message } = error as RollcallError;
      const retry = () => {
        show(plainHeader(), waitingScreen('Joining …'));
        client.connect();
      };
      show(plainHeader(), refusalScreen(code, message, retry));
    }
  }
}

/** Shows why the join was refused. @returns when the user tries again. */
function refused({ code, message, retryable }: RollcallError, client: DemoClient): Promise<void> {
  return new Promise((resolve) => {
    const retry = () => {
      show(plainHeader(), waitingScreen('Joining …'));
      client.connect();
      resolve();
    };
    const mayRetry = retryable || code === 'SESSION_FULL';
    show(plainHeader(), refusalScreen(code, message, mayRetry ? retry : undefined));
  });
}

function liveUrl(): string {
  const url = new URL('/live', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}
