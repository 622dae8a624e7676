import { randomUUID } from 'node:crypto';
import { type AuthorizerContext, claimContext } from '../../../lambdas/adapters/caller.ts';
import { admitGuest } from '../../../lambdas/adapters/guest.ts';
import { identityOf } from '../../../lambdas/adapters/identity.ts';
import { InProcessService } from '../../in-process/service.ts';
import type { Fields, Side, Visit } from './side.ts';

const claimSeconds = 30 * 86_400;

/** The handlers of the functions with real stores, in this process. No sweep runs. Time passes by a change of `Date.now`. */
export async function handlersSide(): Promise<Side> {
  const { now } = Date;
  let ahead = 0;
  Date.now = () => now() + ahead;
  const service = await InProcessService.start();
  const heard = new Map<string, Fields[]>();
  service.onPost = (connectionId, frame) => heard.get(connectionId)?.push(JSON.parse(JSON.stringify(frame)));

  async function contextOf(name: string, visit: Visit): Promise<Partial<AuthorizerContext>> {
    const { userId = randomUUID(), claim, invite, secret = randomUUID() } = visit;
    if (invite === undefined) {
      const { username } = identityOf({ sub: userId, iss: 'https://test', name })!;
      return { userId, username, ...(claim && claimContext(claim, Date.now() / 1000 + claimSeconds)) };
    }
    const visitor = { invite, name, guestKey: secret, ipAddress: undefined, userAgent: undefined };
    const context = await admitGuest(service.services, visitor);
    if (!context) throw new Error('The handshake was refused.');
    return context;
  }
  return {
    async connect(name, visit = {}) {
      const { username, ...context } = await contextOf(name, visit);
      const socket = await service.connect(username!, context);
      const received: Fields[] = [];
      heard.set(socket.connectionId, received);
      const ask = async (type: string, fields: object = {}) => {
        const { requestId: _, ...answer } = (await service.ask(socket, { type, ...fields })) as Fields;
        return answer;
      };
      return { userId: socket.authorizer.userId, ask, heard: received, close() {} };
    },
    async wait(millis) {
      ahead += millis;
    },
    async close() {
      Date.now = now;
      await service.close();
    },
  };
}
