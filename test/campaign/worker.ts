// One execution environment of the campaign, in a thread that may be terminated at any time.
import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { services } from '../../lambdas/composition/services.ts';
import { signOfLife } from '../../lambdas/flows/frames/sign-of-life.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { chooseAction } from '../harness/actions.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { Actors } from './actor.ts';
import { type InvocationFault, invoke, isKilled, rule, spared } from './invocation.ts';
import type { Order, Report, WorkerInput } from './messages.ts';
import { type Action, actions, type Choose } from './operations.ts';
import { sweeps } from './sweeping.ts';

const input = workerData as WorkerInput;
const port = parentPort!;
const report = (message: Report) => port.postMessage(message);
const actors = new Actors(input, report);

/** The relative frequency of each operation. */
const weights = {
  ...{ join: 20, claim: 4, guest: 3, create: 2.5, leave: 8, hangUp: 7, heartbeat: 14, cursor: 5, sync: 3 },
  ...{ log: 14, logAgain: 5, role: 4, remove: 4, rejoin: 8, end: 1, recover: 2, invite: 5, revoke: 1 },
  ...{ visit: 5, house: 1, cleanup: 0.7, replay: 3, seal: 2, retain: 0.5 },
} satisfies Record<keyof typeof actions | keyof typeof sweeps, number>;

const operations: Record<keyof typeof weights, Choose> = { ...actions, ...actionsOf(sweeps) };

/** The work of the schedules, as operations without a user. */
function actionsOf<Name extends string>(runs: Record<Name, () => Promise<unknown>>): Record<Name, Choose> {
  const entries = Object.entries<() => Promise<unknown>>(runs).map(([name, run]) => [name, () => ({ run })]);
  return Object.fromEntries(entries) as Record<Name, Choose>;
}

/** Most invocations have no fault; the others may end at each of their requests. */
function faultOf(random: SeededRandom): InvocationFault {
  const kind = random.chance(0.1) ? 'cut' : 'killed';
  const doomed = kind === 'cut' || random.chance(0.06);
  return { kind, at: doomed ? 1 + random.below(12) : Number.POSITIVE_INFINITY, reached: random.chance(0.5) };
}

const note = (what: string[]) => what.length > 0 && report({ kind: 'untold', what });

async function perform(operation: string, action: Action, fault: InvocationFault): Promise<void> {
  const id = randomUUID();
  const { sessionId, userId, activityId } = action;
  report({ kind: 'began', id, operation, sessionId, userId, activityId, cut: fault.kind === 'cut' });
  try {
    const outcome = await invoke(fault, action.run, note);
    report({ kind: 'finished', id, outcome: isKilled(outcome) ? 'killed' : 'done' });
  } catch (error) {
    const refused = error instanceof RollcallError;
    const text = `${operation}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    report({ kind: 'finished', id, outcome: refused ? 'refused' : 'failed', ...(refused ? {} : { error: text }) });
  }
}

let idle = false;

async function act(random: SeededRandom): Promise<void> {
  while (!idle) {
    const { name, run } = chooseAction(random, weights, operations);
    const action = run(actors, random);
    if (action) await perform(name, action, faultOf(random));
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What this worker does again and again after its operations, and what of it is under way. */
const rounds: (() => Promise<void>)[] = [];
let repeating: Promise<void>[] = [];
let isHalted = false;

async function repeat(round: () => Promise<void>): Promise<void> {
  while (!isHalted) await round();
}

function begin(round: () => Promise<void>): void {
  rounds.push(round);
  if (!isHalted) repeating.push(repeat(round));
}

/** Ends after the rounds that are under way, so that no invocation is stopped between two stores. */
async function halt(): Promise<void> {
  isHalted = true;
  await Promise.all(repeating);
  report({ kind: 'halted' });
}

function resume(): void {
  isHalted = false;
  repeating = rounds.map(repeat);
}

/** After the operations half of the connections send only heartbeats, and the others send nothing. */
function stayIdle(random: SeededRandom): void {
  const alive = actors.connections.filter(() => random.chance(0.5));
  report({ kind: 'quiet' });
  begin(async () => {
    const beats = alive.flatMap(({ caller, joined }) =>
      [...joined].map((sessionId) =>
        withoutFault(() => signOfLife(services, caller, sessionId, { kind: 'heartbeat' })),
      ),
    );
    await Promise.all(beats);
    await new Promise((resolve) => setTimeout(resolve, 400));
  });
}

function onlyRefusals(error: unknown): void {
  if (!(error instanceof RollcallError)) throw error;
}

async function sweepAll(): Promise<void> {
  const { replay, visit, ...others } = sweeps;
  let replayed = 0;
  await withoutFault(async () => (replayed = (await replay()).replayed));
  for (const sweep of Object.values(others)) await withoutFault(sweep);
  for (let visits = 0; visits < 5; visits++) {
    await withoutFault(visit);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  report({ kind: 'swept', replayed });
}

/** An invocation after the operations: it has no fault, and may fail only with refusals. */
async function withoutFault(work: () => Promise<unknown>): Promise<void> {
  await invoke(spared, work, note).catch(onlyRefusals);
}

/** Opens the connections to the stores before the first invocation. @returns false if the machine is too busy. */
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
  const running = Array.from({ length: input.actors }, () => act(new SeededRandom(random.below(2 ** 31))));
  port.on('message', (order: Order) => {
    if (order.kind === 'stage') actors.stages.push(order.stage);
    else if (order.kind === 'idle') {
      idle = true;
      void Promise.all(running).then(() => stayIdle(random));
    } else if (order.kind === 'sweep') begin(sweepAll);
    else if (order.kind === 'halt') void halt();
    else if (order.kind === 'resume') resume();
  });
  report({ kind: 'ready' });
}

void start();
