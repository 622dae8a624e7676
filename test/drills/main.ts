// `npm run drill -- restore|rotation|zone|emptied-cache`: lets a store fail on a stack of its own, repairs it, and says what that did.
import { inspect } from 'node:util';
import { publishSlowness } from '../support/time-limits.ts';
import { type DrillName, drills, runDrill, sentencesOf } from './drills.ts';

const [name = '', ...more] = process.argv.slice(2);
if (!(name in drills) || more.length > 0) {
  console.error(`Name one drill: ${Object.keys(drills).join(', ')}.`);
  process.exit(2);
}
await publishSlowness();
const outcome = await runDrill(name as DrillName, (line) => console.log(line)).catch((error: unknown) => {
  // At the end of the output, so that a log that was cut still has it. What still runs would write after it.
  console.error(`The drill failed: ${inspect(error)}`);
  return process.exit(1);
});
console.log();
for (const sentence of sentencesOf(outcome)) console.log(sentence);
// Only a restore loses something: what was not copied yet.
const lost = name === 'restore' ? 0 : outcome.lost;
process.exit(outcome.wrongLeaves + outcome.brokenChains + lost === 0 ? 0 : 1);
