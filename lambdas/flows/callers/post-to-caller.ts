import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Services } from '../../services/services.ts';

/** Sends one frame to the caller, for routes without a response of their own. */
export async function postToCaller(
  { messenger }: Pick<Services, 'messenger'>,
  connectionId: string,
  frame: ServerFrame,
): Promise<void> {
  await messenger.broadcast([connectionId], frame, { kind: 'state' });
}
