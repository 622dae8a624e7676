import { randomUUID } from 'node:crypto';
import { claimContext } from '../../lambdas/adapters/caller.ts';
import type { ServerFrame, ServerFrameType } from '../../protocol/frames.ts';
import type { InProcessService, Socket } from './service.ts';

/** One connection of each kind of user, around one private session. */
export interface Stage {
  sessionId: string;
  sessionName: string;
  /** A private session in which none of these users is, except `stranger`, its owner. */
  foreignId: string;
  foreignName: string;
  invite: string;
  inviteId: string;
  key: string;
  people: Record<Kind, Socket>;
}

export const kinds = ['owner', 'commenter', 'viewer', 'guest', 'removed', 'stranger', 'claimed', 'expired'] as const;
export type Kind = (typeof kinds)[number];

const hour = 3600;

/** Makes the sessions and lets everybody who may join do so. */
export async function setStage(service: InProcessService): Promise<Stage> {
  const [owner, commenter, viewer, removed, stranger] = await Promise.all(
    ['Olive', 'Carl', 'Vera', 'Rem', 'Sten'].map((name) => service.connect(name)),
  );
  const key = `doc-${randomUUID()}`;
  const opened = await service.ask(owner!, { type: 'session_open', key, metadata: { isPublic: false } });
  const session = fieldsOf(opened, 'session_opened').session;
  const sessionId = session.id;
  const invite = async (role: string) => {
    const made = await service.ask(owner!, { type: 'invite_create', sessionId, role });
    return fieldsOf(made, 'invite_created');
  };
  const join = async (socket: Socket, role: string) => {
    const joined = await service.ask(socket, { type: 'session_join', sessionId, invite: (await invite(role)).invite });
    fieldsOf(joined, 'session_joined');
  };
  await join(commenter!, 'commenter');
  await join(viewer!, 'viewer');
  await join(removed!, 'operator');
  const removal = { type: 'participant_remove', sessionId, userId: removed!.authorizer.userId };
  fieldsOf(await service.ask(owner!, removal), 'ack');
  const { invite: guestInvite, inviteId } = await invite('viewer');
  const guest = await service.connect('Gus', { guestSessionId: sessionId, invite: guestInvite });
  fieldsOf(await service.ask(guest, { type: 'session_join', sessionId }), 'session_joined');
  const now = Math.floor(Date.now() / 1000);
  const claimed = await service.connect('Clara', claimContext({ 'other-*': 'operator' }, now + hour));
  const expired = await service.connect('Eva', claimContext({ [key]: 'operator' }, now - hour));
  const foreign = await service.ask(stranger!, { type: 'session_create', operationId: 'theirs' });
  const theirs = fieldsOf(foreign, 'session_created').session;
  return {
    ...{ sessionId, sessionName: session.sessionId, foreignId: theirs.id, foreignName: theirs.sessionId, key },
    ...{ invite: guestInvite, inviteId },
    people: {
      owner: owner!,
      commenter: commenter!,
      viewer: viewer!,
      guest,
      removed: removed!,
      stranger: stranger!,
      claimed,
      expired,
    },
  };
}

/** The fields of a frame of this type. @throws Error if the frame has another type. */
function fieldsOf<T extends ServerFrameType>(frame: ServerFrame, type: T): ServerFrame<T> {
  if (frame.type !== type) throw new Error(`The answer is no ${type}: ${JSON.stringify(frame)}`);
  return frame as ServerFrame<T>;
}
