import { RollcallError } from '../../protocol/errors.ts';
import { DeadlineExceeded } from './deadline.ts';
import { Unavailable } from './unavailable.ts';

/** SQLSTATE classes and codes that speak of the server's condition and not of the statement. */
const transientClasses = ['08', '53', '57', '58'];
const transientCodes = [
  '25006', // read only: a replica that is not yet the primary
  '25P03', // a transaction that idled too long
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
];
/** What `pg` says without a code of its own. */
const lostConnection = /timeout exceeded|Query read timeout|Connection terminated|Client has encountered|not queryable/;

/**
 * What a failed query means to the caller: Unavailable where another try can succeed, else the error itself.
 * The database's own words travel as the cause only, for the log.
 */
export function databaseFailure(error: unknown): unknown {
  if (error instanceof RollcallError || !isErrorLike(error)) return error;
  if (!isTransient(error) && !isAuthenticationFailure(error)) return error;
  return new Unavailable('database', error);
}

/** Whether the server refused the name or the password, as it does after a rotation of the secret. */
export function isAuthenticationFailure(error: unknown): boolean {
  return ['28P01', '28000'].includes(codeOf(error));
}

/** By its shape: an error of Node's own may come from another realm, where `instanceof` says no. */
function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function isTransient(error: Error): boolean {
  if (error instanceof DeadlineExceeded) return true;
  const code = codeOf(error);
  if (/^[0-9A-Z]{5}$/.test(code) && 'severity' in error) {
    return transientClasses.includes(code.slice(0, 2)) || transientCodes.includes(code);
  }
  // A code without a severity comes from the network: ECONNREFUSED, ENOTFOUND, ETIMEDOUT, a certificate …
  return (
    'syscall' in error || /^(E[A-Z]+|ERR_TLS\w*|CERT\w*|\w*_CERT\w*)$/.test(code) || lostConnection.test(error.message)
  );
}

function codeOf(error: unknown): string {
  return isErrorLike(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
