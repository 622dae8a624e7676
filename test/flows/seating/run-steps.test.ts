import { runSteps, type Step, stopUndo } from '../../../lambdas/flows/seating/run-steps.ts';

/** Three steps that log their work. The one named `failing` fails, and the undos do what is given. */
function stepsOf(log: string[], failing: string, undos: Record<string, () => unknown> = {}): Step<void>[] {
  return ['one', 'two', 'three'].map((name) => ({
    name,
    async do() {
      log.push(name);
      if (name === failing) throw new Error(`${name} failed`);
    },
    undo: ['first', 'second'].map((part) => async () => {
      log.push(`undo ${name} ${part}`);
      return undos[`${name} ${part}`]?.();
    }),
  }));
}

let log: string[];
let failed: jest.Mock;
beforeEach(() => {
  log = [];
  failed = jest.fn();
});
const run = (steps: Step<void>[], isNeeded = true) => runSteps(steps, undefined, { isNeeded: () => isNeeded, failed });

test('runs the steps in order and undoes nothing if all succeed', async () => {
  await run(stepsOf(log, 'none'));
  expect(log).toEqual(['one', 'two', 'three']);
});

test('[FA6] undoes the steps that began, the last one first, and throws the error of the step', async () => {
  await expect(run(stepsOf(log, 'two'))).rejects.toThrow('two failed');
  expect(log).toEqual(['one', 'two', 'undo two first', 'undo two second', 'undo one first', 'undo one second']);
});

test('[FA6] an undo that fails is reported and does not keep the next one from running', async () => {
  const broken = () => {
    throw new Error('undo failed');
  };
  await expect(run(stepsOf(log, 'two', { 'two first': broken }))).rejects.toThrow('two failed');
  expect(log.slice(2)).toEqual(['undo two first', 'undo two second', 'undo one first', 'undo one second']);
  expect(failed.mock.calls.map(([, error]) => error.message)).toEqual(['undo failed']);
});

test('an undo can stop the rest of the undo', async () => {
  await expect(run(stepsOf(log, 'two', { 'two first': () => stopUndo }))).rejects.toThrow('two failed');
  expect(log.slice(2)).toEqual(['undo two first']);
});

test('does not run an undo that a step does not need', async () => {
  await expect(run(stepsOf(log, 'two'), false)).rejects.toThrow('two failed');
  expect(log).toEqual(['one', 'two']);
});
