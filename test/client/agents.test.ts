import { createTestRollcall } from '../../client/testing/index.ts';

async function room() {
  const rollcall = createTestRollcall();
  const [ada, bob] = [rollcall.client('ada'), rollcall.client('bob')].map((client) => client.open('doc-1'));
  await Promise.all([ada!.ready, bob!.ready]);
  await rollcall.settle();
  return { rollcall, ada: ada!, bob: bob! };
}

test('[SA7] clients see an agent with the user for whom it acts, its changes and the end of its lease', async () => {
  const { rollcall, ada } = await room();
  const left: unknown[] = [];
  ada.on('left', ({ user, cause }) => left.push([user.userId, cause]));
  const agentId = rollcall.setAgent('doc-1', 'writer', { name: 'Writer', onBehalfOf: 'bob', cursor: { x: 1 } });
  await rollcall.settle();
  const agents = () => ada.getSnapshot().others.filter(({ kind }) => kind === 'agent');
  expect(agents()).toMatchObject([
    { userId: agentId, username: 'Writer', onBehalfOf: 'bob', status: 'online', cursor: { x: 1 } },
  ]);
  await rollcall.advance(50_000);
  rollcall.setAgent('doc-1', 'writer', { onBehalfOf: null, status: 'away', data: { step: 1 }, leaseSeconds: 30 });
  await rollcall.settle();
  expect(agents()).toMatchObject([{ username: 'Writer', status: 'away', data: { step: 1 } }]);
  expect(agents()[0]).not.toHaveProperty('onBehalfOf');
  await rollcall.advance(29_000);
  expect(agents()).toHaveLength(1);
  await rollcall.advance(2000);
  expect(agents()).toEqual([]);
  rollcall.setAgent('doc-1', 'writer');
  rollcall.endAgent('doc-1', 'writer');
  rollcall.endAgent('doc-1', 'writer');
  await rollcall.settle();
  expect(left).toEqual([
    [agentId, 'lease_ended'],
    [agentId, 'agent_ended'],
  ]);
  const stays = await ada.presenceAt(rollcall.now() - 60_000);
  expect(stays.find(({ userId }) => userId === agentId)).toMatchObject({ kind: 'agent', onBehalfOf: 'bob' });
  expect(() => rollcall.setAgent('doc-2', 'writer')).toThrow('doc-2');
  rollcall.close();
});

test('[SA7] a user who is alone with an agent is told of it', async () => {
  const rollcall = createTestRollcall();
  const ada = rollcall.client('ada').open('doc-1');
  await ada.ready;
  rollcall.setAgent('doc-1', 'helper');
  await rollcall.settle();
  expect(ada.getSnapshot().others).toMatchObject([{ kind: 'agent', username: 'helper' }]);
  rollcall.setAgent('doc-1', 'helper', { activity: 'thinking' });
  await rollcall.settle();
  expect(ada.getSnapshot().others).toMatchObject([{ activity: 'thinking' }]);
  rollcall.close();
});

test('[SA8] an agent holds a slot until it leaves, and one that the owner removed does not return', async () => {
  const { rollcall, ada } = await room();
  const agentId = rollcall.setAgent('doc-1', 'writer', { onBehalfOf: 'bob' });
  const agentsIn = async () => (await ada.participants()).filter(({ kind }) => kind === 'agent');
  expect(await agentsIn()).toMatchObject([{ userId: null, anonymousId: agentId, name: 'writer', onBehalfOf: 'bob' }]);
  rollcall.endAgent('doc-1', 'writer');
  expect(await agentsIn()).toEqual([]);
  rollcall.setAgent('doc-1', 'writer');
  await ada.remove(agentId);
  expect(() => rollcall.setAgent('doc-1', 'writer')).toThrow('removed');
  rollcall.close();
});
