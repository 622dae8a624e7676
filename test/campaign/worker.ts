/** One execution environment of the campaign, in a thread that may be terminated at any moment. */
import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { services } from '../../lambdas/composition/services.ts';
import { signOfLife } from '../../lambdas/flows/frames/sign-of-life.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { Troupe } from './actor.ts';
import { type Fate, invoke, isKilled, rule, spared } from './invocation.ts';
import type { Order, Report, WorkerInput } from './messages.ts';
import { type Deed, deeds } from './operations.ts';
import { sweeps } from './sweeping.ts';

const input = workerData as WorkerInput;
const port = parentPort!;
const report = (message: Report) => port.postMessage(message);
const troupe = new Troupe(input, report);

/** How often each thing is done, in proportion. */
const weights = {
  ...{ join: 20, guest: 3, create: 2.5, leave: 8, hangUp: 7, heartbeat: 14, cursor: 5, sync: 3 },
  ...{ log: 14, logAgain: 5, role: 3, remove: 2.5, end: 1, recover: 2, invite: 3, revoke: 1 },
  ...{ visit: 5, house: 1, cleanup: 0.7, replay: 3, seal: 2, retain: 0.5 },
} satisfies Record<keyof typeof deeds | keyof typeof sweeps, number>;

/** Most invocations end well; of the others each request may be their last. */
function fateOf(random: SeededRandom): Fate {
  const kind = random.chance(0.1) ? 'cut' : 'killed';
  const doomed = kind === 'cut' || random.chance(0.06);
  return { kind, at: doomed ? 1 + random.below(12) : Number.POSITIVE_INFINITY, reached: random.chance(0.5) };
}

const note = (what: string[]) => what.length > 0 && report({ kind: 'untold', what });

async function perform(operation: string, deed: Deed, fate: Fate): Promise<void> {
  const id = randomUUID();
  const { sessionId, userId, activityId } = deed;
  report({ kind: 'began', id, operation, sessionId, userId, activityId, cut: fate.kind === 'cut' });
  try {
    const outcome = await invoke(fate, deed.run, note);
    report({ kind: 'finished', id, outcome: isKilled(outcome) ? 'killed' : 'done' });
  } catch (error) {
    const refused = error instanceof RollcallError;
    const text = `${operation}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    report({ kind: 'finished', id, outcome: refused ? 'refused' : 'failed', ...(refused ? {} : { error: text }) });
  }
}

let calm = false;

async function act(random: SeededRandom): Promise<void> {
  while (!calm) {
    const operation = random.weighted(weights);
    const deed =
      operation in sweeps
        ? { run: sweeps[operation as keyof typeof sweeps] }
        : deeds[operation as keyof typeof deeds](troupe, random);
    if (deed) await perform(operation, deed, fateOf(random));
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

/** After the storm: half of the connections stay alive and quiet, the others say nothing more. */
async function stayCalm(random: SeededRandom): Promise<never> {
  const alive = troupe.connections.filter(() => random.chance(0.5));
  report({ kind: 'quiet' });
  for (;;) {
    const beats = alive.flatMap(({ caller, joined }) =>
      [...joined].map((sessionId) => calmly(() => signOfLife(services, caller, sessionId, { kind: 'heartbeat' }))),
    );
    await Promise.all(beats);
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

function onlyRefusals(error: unknown): void {
  if (!(error instanceof RollcallError)) throw error;
}

async function sweepForEver(): Promise<never> {
  for (;;) {
    const { replay, visit, ...others } = sweeps;
    let replayed = 0;
    await calmly(async () => (replayed = (await replay()).replayed));
    for (const sweep of Object.values(others)) await calmly(sweep);
    for (let visits = 0; visits < 5; visits++) {
      await calmly(visit);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    report({ kind: 'swept', replayed });
  }
}

/** An invocation of the calm: nothing befalls it, and it fails with nothing but refusals. */
async function calmly(work: () => Promise<unknown>): Promise<void> {
  await invoke(spared, work, note).catch(onlyRefusals);
}

/** Makes connections outside of any invocation, as an environment does before its first. False on a busy machine. */
async function warmUp(): Promise<boolean> {
  services.presence;
  const asked = [services.database.query('SELECT 1'), services.sweepDatabase.query('SELECT 1'), services.redis.ping()];
  const answers = await Promise.allSettled([...asked, services.registry.connectionsOf(randomUUID())]);
  return answers.every((answer) => answer.status === 'fulfilled');
}

async function start(): Promise<void> {
  while (!(await warmUp()));
  rule();
  const random = new SeededRandom(input.seed);
  const actors = Array.from({ length: input.actors }, () => act(new SeededRandom(random.below(2 ** 31))));
  port.on('message', (order: Order) => {
    if (order.kind === 'stage') troupe.stages.push(order.stage);
    else if (order.kind === 'calm') {
      calm = true;
      void Promise.all(actors).then(() => stayCalm(random));
    } else if (order.kind === 'sweep') void sweepForEver();
  });
  report({ kind: 'ready' });
}

void start();
