import { createTestRollcall } from '../../client/testing/index.ts';

const second = 1000;
/** How often the test lets time pass, in milliseconds. It sets a cursor and an activity for each millisecond. */
const step = 40;

/**
 * The test that typing and pointing as fast as possible trip no limit.
 *
 * @param title begins with the row of the complaint.
 * @param minutes how long somebody types and points.
 */
export function testFastInput(title: string, minutes: number): void {
  test(title, async () => {
    const rollcall = createTestRollcall();
    try {
      const [reader, writer] = [rollcall.client('ada'), rollcall.client('bob')];
      const [read, written] = [reader.open('doc'), writer.open('doc')];
      await Promise.all([read.ready, written.ready]);
      await rollcall.settle();
      const [refused, states]: [unknown[], string[]] = [[], []];
      writer.on('error', (error) => refused.push(error));
      written.on('error', (error) => refused.push(error));
      writer.on('state', (state) => states.push(state));
      const end = minutes * 60 * second;
      for (let at = 0; at < end; at += step) {
        for (let x = at; x < at + step; x += 1) {
          written.setCursor({ x });
          written.setActivity(`typing ${x}`);
        }
        await rollcall.advance(step);
      }
      await rollcall.advance(second);
      expect(refused).toEqual([]);
      expect(states).toEqual([]);
      expect(read.others[0]).toMatchObject({ activity: `typing ${end - 1}`, cursor: { x: end - 1 } });
      const told = rollcall.service.frames.filter(
        ({ userId, frame }) => userId === 'bob' && ['presence_update', 'cursor_update'].includes(frame.type),
      );
      expect(told.length).toBeLessThanOrEqual((10 * end) / second + 2);
    } finally {
      await rollcall.close();
    }
  });
}
