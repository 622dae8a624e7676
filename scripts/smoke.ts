/**
 * `npm run smoke -- --url wss://…/live --http https://…` checks a deployment: a handshake, a session, a cursor, leaves, the audit
 * trail. With `--stack <name>` it takes the addresses from CloudFormation and also tries an alarm and the rotation of the
 * passwords. It takes at most five minutes, deletes nothing and ends its own session.
 */
import { awsChecks } from './smoke/aws-checks.ts';
import { readOptions } from './smoke/options.ts';
import { runChecks } from './smoke/run-checks.ts';
import { serviceChecks } from './smoke/service-checks.ts';

try {
  const options = await readOptions(process.argv.slice(2), process.env);
  const failed = await runChecks([...serviceChecks(options), ...awsChecks(options)], (line) => console.log(line));
  // A failed check may leave connections open.
  process.exit(failed === 0 ? 0 : 1);
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
