import { Worker } from 'node:worker_threads';
import { EventSlot } from '../../local/lambda/event-slot.ts';

test.each([
  ['of a few bytes', '{"a":1}'],
  ['with characters of several bytes', 'žluťoučký 🐎'],
  ['larger than the memory was', 'ž'.repeat(1_000_000)],
  ['without anything', ''],
])('a text %s is received as it was sent', (_, text) => {
  const mine = new EventSlot();
  const theirs = new EventSlot(mine.memory);
  for (const each of ['before', text, 'after']) {
    mine.put(each);
    expect(theirs.take()).toBe(each);
  }
});

let worker: Worker | undefined;
afterEach(async () => {
  await worker?.terminate();
});

test('the receiver blocks until there is a text, and receives each text once', async () => {
  const slot = new EventSlot();
  worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData.module).then(({ EventSlot }) => {
       const slot = new EventSlot(workerData.memory);
       for (;;) {
         parentPort.postMessage('asks');
         parentPort.postMessage(slot.take());
       }
     });`,
    {
      eval: true,
      workerData: { memory: slot.memory, module: require.resolve('../../local/lambda/event-slot.ts') },
    },
  );
  const heard: string[] = [];
  let noticed = () => {};
  worker.on('message', (message: string) => {
    heard.push(message);
    noticed();
  });
  const waitForMessages = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => (noticed = resolve));
  };
  await waitForMessages(1);
  slot.put('one');
  await waitForMessages(3);
  // The notification of a text that was already taken can arrive late. It must not end the wait for the next text.
  for (let count = 0; count < 10; count += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    Atomics.notify(new Int32Array(slot.memory, 0, 1), 0);
  }
  expect(heard).toEqual(['asks', 'one', 'asks']);
  slot.put('two');
  await waitForMessages(5);
  expect(heard.slice(3)).toEqual(['two', 'asks']);
});
