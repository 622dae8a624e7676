import { readTimings } from '../../protocol/timings.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { useDemo } from '../support/demo.ts';
import { expectWithin, scaleSettings } from '../support/time-limits.ts';

/** Users time out quickly here. Other tests of the demo use the default times, so that a busy machine ends nobody's presence. */

const settings = scaleSettings({ PRESENCE_UPDATE_SECONDS: '1', HEARTBEAT_TIMEOUT_SECONDS: '1' });
const { offlineAfterMillis } = readTimings(settings);
const demo = useDemo(settings);

test('[PR12] when a browser is killed, others see the leave within interval + timeout + 5 s', async () => {
  const ada = await demo.host('Plan together', 'Ada');
  const link = await ada.invite('Edit');
  const doomed = await startBrowser();
  const page = await newPage(doomed.browser);
  await page.goto(link);
  await page.getByLabel('Your name').fill('Bob');
  await page.getByRole('button', { name: 'Join' }).click();
  await ada.row('Bob').waitFor();
  // After a power loss the socket is not closed, so the service gets no event.
  demo.stack.faults.set({ loseDisconnect: 1 });
  const killed = Date.now();
  await doomed.server.kill();
  await ada.row('Bob').waitFor({ state: 'detached' });
  await expectWithin(Date.now() - killed, 5000, offlineAfterMillis);
});
