import { setTimeout as pause } from 'node:timers/promises';
import { Silence, whilePresent } from './silence.ts';

test('a silence lasts from the sending of one answered frame to the answer of the next', async () => {
  const silence = new Silence();
  await silence.during(() => pause(30));
  await silence.during(() => pause(50));
  expect(silence.longestMillis).toBeGreaterThanOrEqual(75);
  silence.stop();
  const longest = silence.longestMillis;
  await pause(longest + 20);
  expect(silence.longestMillis).toBe(longest);
});

test('a silence that no frame has ended counts', async () => {
  const silence = new Silence();
  await pause(40);
  expect(silence.longestMillis).toBeGreaterThanOrEqual(35);
});

test('a silence may begin before it is measured', async () => {
  const silence = new Silence(performance.now() - 500);
  await silence.during(() => pause(1));
  expect(silence.longestMillis).toBeGreaterThanOrEqual(500);
});

describe('a scenario that fails', () => {
  const failure = new Error('a false leave');

  test('counts if all users sent a frame in time', async () => {
    let attempts = 0;
    const scenario = async ({ silence }: { silence: () => Silence }) => {
      attempts += 1;
      await silence().during(() => pause(1));
      throw failure;
    };
    await expect(whilePresent(60_000, scenario, () => {})).rejects.toBe(failure);
    expect(attempts).toBe(1);
  });

  test('runs again, after a clean-up, if a user could not send a frame in time', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const restored = jest.fn();
    const attempts: number[] = [];
    await whilePresent(
      20,
      async ({ attempt, silence }) => {
        attempts.push(attempt);
        const quiet = silence();
        if (attempt === 2) return;
        await quiet.during(() => pause(40));
        throw failure;
      },
      restored,
    );
    expect(attempts).toEqual([1, 2]);
    expect(restored).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  test('fails in the end if no attempt has all users in time', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const scenario = async ({ silence }: { silence: () => Silence }) => {
      await silence().during(() => pause(10));
      throw failure;
    };
    await expect(whilePresent(5, scenario, () => {})).rejects.toBe(failure);
    warn.mockRestore();
  });
});
