import { randomUUID } from 'node:crypto';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { MessageType } from '../../protocol/messages.ts';
import { timeLimits } from '../support/time-limits.ts';

/** Sends a message of this user and resolves with its answer. */
export type Ask = (user: 'ada' | 'bob', message: object & { type: MessageType }) => Promise<ServerFrame>;

/** Sends a message of each type, in an order in which each succeeds. Ada is an operator. @returns the type of the answer to each message. */
export async function sendEveryMessage(ask: Ask): Promise<Record<MessageType, string>> {
  const answers: Partial<Record<MessageType, string>> = {};
  const send = async <T extends ServerFrame>(type: MessageType, fields: object = {}, user: 'ada' | 'bob' = 'ada') => {
    const until = Date.now() + timeLimits.event;
    let answer = await ask(user, { type, ...fields });
    // On a busy machine a store or a function may be too slow. Each of these messages may be repeated.
    while (answer.type === 'error' && answer.retryable && Date.now() < until)
      answer = await ask(user, { type, ...fields });
    if (answer.type === 'error') throw new Error(`${type} was refused: ${JSON.stringify(answer)}`);
    answers[type] = answer.type;
    return answer as T;
  };
  await send('hello');
  const bob = await send<ServerFrame<'welcome'>>('hello', {}, 'bob');
  await send('ping');
  const operation = { operationId: 'every-message', metadata: { isPublic: true } };
  const { session } = await send<ServerFrame<'session_created'>>('session_create', operation);
  const sessionId = session.id;
  await send('session_join', { sessionId }, 'bob');
  await send('presence_update', { sessionId, activity: 'reading' });
  await send('cursor_update', { sessionId, cursor: { eventId: 'stage', position: 1 } });
  await send('heartbeat', { sessionId, idle: true });
  await send('presence_sync', { sessionId });
  await send('broadcast', { sessionId, event: 'wave' });
  await send('participants_list', { sessionId });
  await send('participant_role', { sessionId, userId: bob.userId, role: 'commenter' });
  await send('activity_log', { sessionId, activityType: 'note_added' }, 'bob');
  await send('activity_query', { sessionId });
  await send('presence_history', { sessionId, at: session.startTime });
  const invite = await send<ServerFrame<'invite_created'>>('invite_create', { sessionId, role: 'viewer' });
  await send('invite_revoke', { sessionId, inviteId: invite.inviteId });
  const machineId = randomUUID();
  await send('machine_register', { machineId, name: 'Press' });
  await send('machine_heartbeat', { machineId });
  await send('machine_list');
  await send('figures_watch');
  await send('session_leave', { sessionId }, 'bob');
  await send('participant_remove', { sessionId, userId: bob.userId });
  await send('session_recover', { sessionId });
  await send('session_end', { sessionId });
  await send('session_open', { key: 'every-message' });
  return answers as Record<MessageType, string>;
}
