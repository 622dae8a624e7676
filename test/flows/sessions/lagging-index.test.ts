import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ConnectionRegistry } from '../../../lambdas/connections/connection-registry.ts';
import type { Caller } from '../../../lambdas/flows/callers/caller.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import type { Session } from '../../../protocol/entities.ts';
import { testAddresses } from '../../support/addresses.ts';
import { replaceMethods, SessionBed } from './session-bed.ts';

let bed: SessionBed;
let dynamodb: DynamoDBClient;
/** Services whose index of the connection table does not show the newest memberships yet. */
let behind: Services;
beforeAll(async () => {
  bed = await SessionBed.start();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  dynamodb = new DynamoDBClient({ endpoint: testAddresses.dynamodb, region: 'us-east-1', credentials });
  const send = async (command: unknown) =>
    command instanceof QueryCommand && command.input.IndexName === 'bySession'
      ? { Items: [] }
      : dynamodb.send(command as QueryCommand);
  const client = { send } as unknown as DynamoDBClient;
  behind = bed.with({ registry: new ConnectionRegistry(client, bed.tableName) });
});
afterAll(async () => {
  dynamodb.destroy();
  await bed.close();
});

const isMember = async ({ id }: Session, { connectionId }: { connectionId: string }) =>
  (await bed.services.registry.membership(connectionId, id)) !== undefined;

test('[SE8] a person who is removed just after they joined does not return with their next frame', async () => {
  const { owner, session } = await bed.host();
  const guest = await bed.join(session);
  await bed.flows.removeParticipant(behind, owner, session.id, guest.userId, undefined);
  expect(await isMember(session, guest)).toBe(false);
  await expect(bed.heartbeat(session, guest)).rejects.toMatchObject({ code: 'NOT_IN_SESSION' });
  expect(await bed.shownRole(session, guest)).toBeUndefined();
  expect(await isMember(session, owner)).toBe(true);
});

describe('[SE8] a frame that the removed person sends while Redis removes them', () => {
  const refused = jest.fn();
  /** Services behind, of which the removal in Redis is followed by a frame of the guest at once. */
  function withFrameAfterRemoval(session: Session, guest: Caller): Services {
    const { presence } = bed.services;
    const removeFromSession = async (...given: Parameters<typeof presence.store.removeFromSession>) => {
      const outcome = await presence.store.removeFromSession(...given);
      await bed.heartbeat(session, guest).catch(({ code }) => refused(code));
      return outcome;
    };
    const store = replaceMethods(presence.store, { removeFromSession });
    return bed.with({ registry: behind.registry, presence: replaceMethods(presence, { store }) });
  }
  beforeEach(() => refused.mockClear());

  test('does not bring them back', async () => {
    const { owner, session } = await bed.host();
    const guest = await bed.join(session);
    const services = withFrameAfterRemoval(session, guest);
    await bed.flows.removeParticipant(services, owner, session.id, guest.userId, undefined);
    expect(refused.mock.calls).toEqual([['NOT_IN_SESSION']]);
    expect(await bed.shownRole(session, guest)).toBeUndefined();
  });

  test('does not bring them back if a sweep ends a removal that was killed', async () => {
    const { session } = await bed.host();
    const guest = await bed.join(session);
    await bed.services.sessions.removeParticipant(session.id, guest.userId);
    const seen = { sessionId: session.id, userId: guest.userId, at: Date.now() + 1000 };
    await bed.flows.writeLastSeen(withFrameAfterRemoval(session, guest), [seen]);
    expect(refused.mock.calls).toEqual([['NOT_IN_SESSION']]);
    expect(await bed.shownRole(session, guest)).toBeUndefined();
  });
});

test('[SE9] nobody who joined just before the end of a session keeps a membership', async () => {
  const { owner, session } = await bed.host();
  const guest = await bed.join(session);
  await bed.flows.endSession(behind, owner, session.id, undefined);
  expect([await isMember(session, owner), await isMember(session, guest)]).toEqual([false, false]);
});

test('[SE8] the connection table gets the role that was changed just after the join', async () => {
  const { owner, session } = await bed.host();
  const guest = await bed.join(session);
  await bed.flows.changeRole(behind, owner, session.id, guest.userId, 'operator');
  expect((await bed.services.registry.membership(guest.connectionId, session.id))?.role).toBe('operator');
  expect(await bed.shownRole(session, guest)).toBe('operator');
});
