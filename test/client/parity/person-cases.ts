import { createBy, kindOf, type ParityCase, stageOf, tell } from './cases.ts';
import type { Fields, Wire } from './side.ts';

const zeroWidth = '\u200b';

async function guestOf(
  side: Parameters<ParityCase['run']>[0],
  name = 'Gus',
): Promise<{ guest: Wire; sessionId: string }> {
  const owner = await side.connect('Ada');
  const sessionId = await createBy(owner, { isPublic: true });
  const { invite } = await owner.ask('invite_create', { sessionId, role: 'viewer' });
  return { guest: await side.connect(name, { invite }), sessionId };
}

export const personCases: ParityCase[] = [
  {
    title: '[SE7] a guest uses only the session of the invite, and begins none',
    async run(side) {
      const { guest, sessionId } = await guestOf(side);
      const { sessionId: other } = await guestOf(side);
      const key = crypto.randomUUID();
      const owner = await side.connect('Ada');
      await owner.ask('session_open', { key: `${key}-open` });
      return [
        await tell(guest, 'session_join', { sessionId }),
        await tell(guest, 'participants_list', { sessionId }),
        await tell(guest, 'session_join', { sessionId: other }),
        await tell(guest, 'participants_list', { sessionId: other }),
        await tell(guest, 'activity_query', { sessionId: crypto.randomUUID() }),
        await tell(guest, 'session_create', { operationId: 'op' }),
        await tell(guest, 'session_open', { key }),
        await tell(guest, 'session_open', { key: `${key}-open` }),
        await tell(guest, 'machine_register', { machineId: 'm', name: 'Press' }),
        await tell(guest, 'machine_heartbeat', { machineId: 'm' }),
        await tell(guest, 'machine_list'),
      ];
    },
    expected: ['session_joined', 'participants', ...Array(9).fill('PERMISSION_DENIED')],
  },
  {
    title: 'a machine belongs to the user who registered its id first, and the list is sorted by name',
    async run(side) {
      const [ada, bob] = [await side.connect('Ada'), await side.connect('Bob')];
      const machineId = crypto.randomUUID();
      const register = (wire: Wire, id: string, name: string) => wire.ask('machine_register', { machineId: id, name });
      const { machine } = await register(ada, machineId, ` Press${zeroWidth} `);
      await register(ada, crypto.randomUUID(), 'Lathe');
      const { machines } = await ada.ask('machine_list');
      return [
        Object.keys(machine).sort(),
        kindOf(await register(bob, machineId, 'Mine')),
        await tell(bob, 'machine_heartbeat', { machineId }),
        machines.map(({ name }: Fields) => name),
        (await bob.ask('machine_list')).machines,
      ];
    },
    expected: [
      ['active', 'activeAt', 'machineId', 'metadata', 'name'],
      'MACHINE_NOT_FOUND',
      'MACHINE_NOT_FOUND',
      ['Lathe', 'Press'],
      [],
    ],
  },
  {
    title: 'names have only visible characters, also those of guests',
    async run(side) {
      const names = [` Ada${zeroWidth}\n`, 'x'.repeat(300), 'Łucja 🚀'];
      const welcomes = [];
      for (const name of names) welcomes.push((await (await side.connect(name)).ask('hello')).username);
      const { guest } = await guestOf(side, ` Gus${zeroWidth}`);
      const { guest: nameless } = await guestOf(side, zeroWidth);
      for (const wire of [guest, nameless]) welcomes.push((await wire.ask('hello')).username);
      return welcomes.map((name) => (name.length > 20 ? name.length : name));
    },
    expected: ['Ada', 200, 'Łucja 🚀', 'Gus', 'Guest'],
  },
  {
    title: 'the welcome has the times of the service',
    async run(side) {
      const { timeoutSeconds, heartbeatSeconds, awaySeconds, batchMillis } = await (await side.connect('Ada')).ask(
        'hello',
      );
      return { timeoutSeconds, heartbeatSeconds, awaySeconds, batchMillis };
    },
    expected: { timeoutSeconds: 60, heartbeatSeconds: 30, awaySeconds: 120, batchMillis: 100 },
  },
  {
    title: 'the list of participants has those who hold a slot, the first to join first',
    async run(side) {
      const { owner, member, stranger, sessionId, invite } = await stageOf(side);
      const guest = await side.connect('Gus', { invite });
      const names = new Map([owner, member, stranger, guest].map((wire, index) => [wire.userId, index]));
      const list = async () => {
        const { participants } = await owner.ask('participants_list', { sessionId });
        return participants.map((one: Fields) => [
          names.get(one['userId'] ?? one['anonymousId']),
          one['name'],
          one['userId'] === null,
          one['role'],
          one['isActive'],
        ]);
      };
      for (const wire of [guest, stranger]) {
        await side.wait(1000);
        await wire.ask('session_join', { sessionId, invite });
      }
      await side.wait(1000);
      await member.ask('session_leave', { sessionId });
      const without = await list();
      await side.wait(1000);
      await member.ask('session_join', { sessionId });
      return [without, await list()];
    },
    expected: [
      [
        [0, 'Ada', false, 'operator', true],
        [3, 'Gus', true, 'viewer', true],
        [2, 'Cleo', false, 'viewer', true],
      ],
      [
        [0, 'Ada', false, 'operator', true],
        [3, 'Gus', true, 'viewer', true],
        [2, 'Cleo', false, 'viewer', true],
        [1, 'Bob', false, 'viewer', true],
      ],
    ],
  },
  {
    title: '[SE3] the slot of a user who has left is free, and one who is there keeps theirs',
    async run(side) {
      const owner = await side.connect('Ada');
      const sessionId = await createBy(owner, { isPublic: true, maxParticipants: 2 });
      const [bob, cleo] = [await side.connect('Bob'), await side.connect('Cleo')];
      const join = (wire: Wire) => tell(wire, 'session_join', { sessionId });
      const answers = [await join(bob), await join(cleo), await join(bob)];
      await bob.ask('session_leave', { sessionId });
      answers.push(await join(cleo), await join(bob));
      return answers;
    },
    expected: ['session_joined', 'SESSION_FULL', 'session_joined', 'session_joined', 'SESSION_FULL'],
  },
];
