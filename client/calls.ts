import type { Frame } from './gather.ts';
import type { AskOptions } from './requests.ts';

/**
 * A request that has its own method: the type of its message, the fields of the message in the order of the method's
 * arguments, and the field of the reply that the method returns. Without that name the method returns the whole reply, and
 * with an empty one nothing. The argument after the fields has further fields and the `signal`.
 */
export type Call = [type: string, fields?: string, answer?: string];

export const sessionCalls: Record<string, Call> = {
  queryActivity: ['activity_query'],
  createInvite: ['invite_create'],
  presenceAt: ['presence_history', 'at', 'stays'],
  participants: ['participants_list', '', 'participants'],
  setRole: ['participant_role', 'userId role', ''],
  remove: ['participant_remove', 'userId reason', ''],
  revokeInvite: ['invite_revoke', 'inviteId', ''],
  end: ['session_end', 'status', ''],
};

export const machineCalls: Record<string, Call> = {
  register: ['machine_register', '', 'machine'],
  heartbeat: ['machine_heartbeat', 'machineId time', ''],
  list: ['machine_list', '', 'machines'],
};

/** The methods of a table. */
export function methodsOf(
  calls: Record<string, Call>,
  ask: (message: Frame, options: AskOptions) => Promise<Frame>,
): Record<string, (...values: unknown[]) => Promise<unknown>> {
  const methodOf =
    ([type, fields, answer]: Call) =>
    async (...values: unknown[]) => {
      const names = fields ? fields.split(' ') : [];
      const { signal, ...further } = (values[names.length] ?? {}) as AskOptions;
      const named = Object.fromEntries(names.map((name, index) => [name, values[index]]));
      // Sending this request twice would create two invites.
      const options = { signal, repeatable: type !== 'invite_create' };
      const { type: _, requestId, sessionId, ...reply } = await ask({ ...further, ...named, type }, options);
      return answer === undefined ? reply : reply[answer];
    };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, methodOf(call)]));
}
