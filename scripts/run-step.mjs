import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** One Ctrl-C may arrive twice: from the terminal, and from npm, which forwards it. */
const sameSignalMillis = 250;
const parentCheckMillis = 250;

/**
 * Runs a program on this terminal until it ends, and returns its exit code (128 + number for a signal).
 *
 * @param options.ownsSignals true if a second Ctrl-C ends the program at once, so that it must get each signal exactly
 * once. Then it has its own process group, and ends when the channel to this process closes.
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
 * Calls back when the parent process has ended. A killed npm sends no signal to its children, so this function polls
 * the parent's process id. The scripts in package.json begin with `exec`, so that no shell between npm and this process
 * keeps signals to itself.
 *
 * @returns a function that stops the polling.
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
