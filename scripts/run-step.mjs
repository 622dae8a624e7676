import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** One Ctrl-C arrives up to twice: from the terminal, and from npm, which repeats it. */
const sameSignalMillis = 250;
const parentCheckMillis = 250;

/**
 * Runs one program to its end on this terminal and answers its exit code (128 + number for a signal).
 *
 * @param options.ownsSignals the program takes a second Ctrl-C as an order to end at once, so it must get each exactly
 *   once: it then has a process group of its own, and ends by itself when the channel to this process breaks.
 */
export function runStep(program, args, { cwd, env, ownsSignals }) {
  return new Promise((resolve, reject) => {
    const stdio = ['inherit', 'inherit', 'inherit', ...(ownsSignals ? ['ipc'] : [])];
    const child = spawn(program, args, { cwd, env, stdio, detached: ownsSignals });
    const lastAt = new Map();
    const forward = (signal) => {
      const now = Date.now();
      if (now - (lastAt.get(signal) ?? 0) < sameSignalMillis) return;
      lastAt.set(signal, now);
      child.kill(signal);
    };
    const stopWatching = onParentEnd(() => forward('SIGTERM'));
    const stopForwarding = () => {
      stopWatching();
      for (const signal of forwarded) process.off(signal, forward);
    };
    for (const signal of forwarded) process.on(signal, forward);
    child.once('error', (error) => {
      stopForwarding();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * An npm that is killed tells nobody. This process would then go on alone, so it looks whether its parent is still the
 * same. (The scripts in package.json start with `exec` for the same reason: a shell between npm and this process would
 * keep signals to itself.)
 *
 * @returns how to stop looking.
 */
function onParentEnd(callback) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    callback();
  }, parentCheckMillis);
  return () => clearInterval(check);
}
