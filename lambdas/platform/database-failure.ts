import { RollcallError } from '../../protocol/errors.ts';
import { DeadlineExceeded } from './deadline.ts';
import { Unavailable } from './unavailable.ts';

/** SQLSTATE classes and codes that are about the state of the server and not about the statement. */
const transientClasses = ['08', '53', '57', '58'];
const transientCodes = [
  '25006', // read only: a replica that is not yet the primary
  '25P03', // a transaction that idled too long
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
];
/** A migration changed a table under a prepared statement. The connection is closed then, and the next one prepares it again. */
const stalePlan = /^cached plan must not change result type/;
/** Messages of `pg` errors that have no code. */
const lostConnection = /timeout exceeded|Query read timeout|Connection terminated|Client has encountered|not queryable/;

/**
 * The error of a failed query for the caller: Unavailable if a retry can succeed, otherwise the error itself. The original
 * error is kept as the cause, for the log only.
 */
export function databaseFailure(error: unknown): unknown {
  if (error instanceof RollcallError || !isErrorLike(error)) return error;
  if (!isTransient(error) && !isAuthenticationFailure(error)) return error;
  return new Unavailable('database', error);
}

/** Whether the server refused the user name or the password, as after a rotation of the secret. */
export function isAuthenticationFailure(error: unknown): boolean {
  return ['28P01', '28000'].includes(codeOf(error));
}

/** It checks the shape, because an error of Node may come from another realm, where `instanceof` is false. */
function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function isTransient(error: Error): boolean {
  if (error instanceof DeadlineExceeded) return true;
  const code = codeOf(error);
  if (/^[0-9A-Z]{5}$/.test(code) && 'severity' in error) {
    return (
      transientClasses.includes(code.slice(0, 2)) || transientCodes.includes(code) || stalePlan.test(error.message)
    );
  }
  // A code without a severity is about the network: ECONNREFUSED, ENOTFOUND, ETIMEDOUT, a certificate …
  return (
    'syscall' in error || /^(E[A-Z]+|ERR_TLS\w*|CERT\w*|\w*_CERT\w*)$/.test(code) || lostConnection.test(error.message)
  );
}

function codeOf(error: unknown): string {
  return isErrorLike(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
